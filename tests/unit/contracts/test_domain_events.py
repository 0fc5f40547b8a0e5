"""What is published of a row, and what never is."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from lambdas.accounts.codec import EVENT_SCHEMAS
from lambdas.accounts.events import AccountEvent, BalanceCredited
from lambdas.accounts.state import Account
from lambdas.contracts import domain_events
from lambdas.contracts.domain_events import (
    DomainEvent,
    EventPlace,
    NotPublishableError,
    UnreadableEventError,
    decode_domain_event,
    domain_event,
    encode_domain_event,
)
from lambdas.contracts.lake import LAKE_COLUMNS
from lambdas.eventsourcing.codec import Codec
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.schemas import EventType, StateType
from tests.support.event_rows import ACCOUNT, credited, row_of, stored_events


def published(row: EventRow) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(encode_domain_event(domain_event(row)))
    return document


def test_every_attribute() -> None:
    assert published(msgspec.structs.replace(credited(7), hash=bytes(32))) == {
        "specversion": "1.0",
        "id": f"{ACCOUNT}/7",
        "source": "/daybook/accounts",
        "type": "daybook.account.BalanceCredited.v1",
        "subject": ACCOUNT,
        "time": "2026-03-01T09:29:59.000Z",
        "dataschema": "urn:daybook:schema:account:BalanceCredited:1",
        "datacontenttype": "application/json",
        "streamversion": 7,
        "recordedtime": "2026-03-01T09:30:00.250Z",
        "rowhash": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "correlationid": "order-17",
        "causationid": "command-7",
        "data": {"amount": 250, "currency": "EUR", "reference": "invoice 4711"},
    }


def test_the_cause_is_the_command_unless_the_metadata_names_another() -> None:
    metadata = '{"command_id":"c","correlation_id":"o","actor":"a","causation_id":"event-9"}'
    assert published(msgspec.structs.replace(credited(1), metadata=metadata))["causationid"] == "event-9"


@pytest.mark.parametrize("name", sorted(stored_events()))
def test_nothing_of_the_table_is_published(name: str) -> None:
    row = msgspec.structs.replace(
        row_of(name),
        commit_id="secret-commit",
        hash=bytes(range(32)),
        state='{"balance":"secret-state"}',
        state_schema=1,
        metadata='{"command_id":"c","correlation_id":"o","actor":"secret-actor"}',
    )
    text = encode_domain_event(domain_event(row)).decode()
    assert "secret" not in text
    assert json.loads(text).keys() == {column.name for column in LAKE_COLUMNS}
    assert json.loads(text)["rowhash"] == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert not set(json.loads(text)) & {"state", "state_schema", "hash", "commit_id", "actor", "metadata", "stream_id"}


@pytest.mark.parametrize("name", sorted(stored_events()))
def test_a_published_line_gives_the_event_back(name: str) -> None:
    event = domain_event(row_of(name))
    line = encode_domain_event(event)
    assert b"\n" not in line
    assert decode_domain_event(line) == event
    assert decode_domain_event(line.decode()) == event


MALFORMED = {
    "data is no JSON": {"data": "{"},
    "data is not text of UTF-8": {"data": "\udc80"},
    "data is nested too deep": {"data": '{"amount":1,"currency":"EUR","more":' + "[" * 5000 + "]" * 5000 + "}"},
    "data breaks the rules": {"data": '{"amount":0,"currency":"EUR"}'},
    "data lacks a field": {"data": '{"amount":1}'},
    "unknown type": {"type": "BalanceGuessed"},
    "unknown schema": {"schema": 2},
    "schema zero": {"schema": 0},
    "metadata is no JSON": {"metadata": "-"},
    "metadata lacks the command": {"metadata": '{"correlation_id":"o","actor":"a"}'},
    "correlation id with a space": {"metadata": '{"command_id":"c","correlation_id":"o o","actor":"a"}'},
    "no account id": {"stream_id": "account/1"},
    "version zero": {"version": 0},
    "no such day": {"occurred_at": "2026-02-30T09:30:00.000Z"},
    "recorded on no such day": {"recorded_at": "2026-02-30T09:30:00.000Z"},
    "not in UTC": {"recorded_at": "2026-02-20T09:30:00.000+01:00"},
    "no microseconds": {"recorded_at": "2026-02-20T09:30:00Z"},
    "a hash cut short": {"hash": bytes(31)},
    "a hash too long": {"hash": bytes(33)},
    "no hash": {"hash": b""},
    "no time at all": {"recorded_at": ""},
}


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_row_is_refused_and_named(change: dict[str, Any]) -> None:
    row = msgspec.structs.replace(credited(7), **change)
    with pytest.raises(NotPublishableError, match=f"^{row.stream_id}/{row.version}: "):
        domain_event(row)


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"streamversion": 0},
        {"dataschema": "urn:daybook:schema:account:BalanceGuessed:1"},
        {"data": 1},
    ],
    ids=str,
)
def test_what_is_no_domain_event_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(NotPublishableError):
        decode_domain_event(json.dumps(published(credited(1)) | change))


PLACE = EventPlace(
    source="/daybook/accounts",
    subject=ACCOUNT,
    streamversion=1,
    recordedtime="2026-03-01T09:30:00.250Z",
    rowhash=published(credited(1))["rowhash"],
)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "daybook.account.BalanceGuessed.v1", "dataschema": "urn:daybook:schema:account:BalanceGuessed:1"},
        {"dataschema": "urn:daybook:schema:account:BalanceCredited:2"},
        {"dataschema": "BalanceCredited"},
        {"dataschema": None},
        {"data": {"amount": -1, "currency": "EUR"}},
        {"data": None},
        {"time": "yesterday"},
        {"type": 1},
        {"specversion": "2.0"},
    ],
    ids=str,
)
def test_an_event_that_tells_only_its_place_is_refused_with_it(change: dict[str, Any]) -> None:
    with pytest.raises(UnreadableEventError) as refused:
        decode_domain_event(json.dumps(published(credited(1)) | change))
    assert refused.value.place == PLACE
    assert str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        {"source": "/daybook/ledger"},
        {"subject": "somebody"},
        {"streamversion": 0},
        {"streamversion": "1"},
        {"rowhash": "short"},
        {"recordedtime": "yesterday"},
    ],
    ids=str,
)
def test_a_document_without_a_place_is_refused_without_one(change: dict[str, Any]) -> None:
    with pytest.raises(NotPublishableError) as refused:
        decode_domain_event(json.dumps(published(credited(1)) | change))
    assert not isinstance(refused.value, UnreadableEventError)


def test_unknown_attributes_and_fields_are_ignored() -> None:
    document = published(credited(1))
    more = document | {"later": 1, "data": document["data"] | {"later": True}}
    assert decode_domain_event(json.dumps(more)) == domain_event(credited(1))


@pytest.fixture
def second_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """BalanceCredited has got a second schema version."""
    cls = msgspec.defstruct("BalanceCredited", [("minor_units", int)], frozen=True)
    codec: Codec[Any, Any] = Codec(
        [EventType(cls, 2, {1: lambda fields: {"minor_units": fields["amount"]}})], StateType(Account)
    )
    monkeypatch.setattr(domain_events, "_codec", codec)


@pytest.mark.usefixtures("second_schema")
def test_an_old_row_is_published_in_the_current_schema() -> None:
    document = published(credited(1))
    assert document["type"] == "daybook.account.BalanceCredited.v2"
    assert document["dataschema"] == "urn:daybook:schema:account:BalanceCredited:2"
    assert document["data"] == {"minor_units": 250}


def test_an_event_published_in_an_old_schema_is_upcast(request: pytest.FixtureRequest) -> None:
    line = encode_domain_event(domain_event(credited(1)))
    request.getfixturevalue("second_schema")
    event: DomainEvent[Any] = decode_domain_event(line)
    assert event.type == "daybook.account.BalanceCredited.v1"
    assert event.data.minor_units == 250


def test_events_are_of_the_registered_classes() -> None:
    event: AccountEvent = domain_event(credited(1)).data
    assert type(event) is BalanceCredited
    assert type(event) in {schema.cls for schema in EVENT_SCHEMAS}
