"""What the ledger tells after a restore, and how it is told from accounts' events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lambdas.contracts.domain_events import (
    NotPublishableError,
    UnreadableEventError,
    decode_domain_event,
    domain_event,
    encode_domain_event,
)
from lambdas.contracts.event_examples import restored_example
from lambdas.contracts.ledger_events import IgnoredDocumentError, decode_published, encode_ledger_event, restored_event
from tests.support.event_rows import ACCOUNT, credited

LINE = encode_ledger_event(restored_example())


def announced(**changed: Any) -> bytes:
    moment = datetime(2026, 3, 1, 11, 15, 0, 999_999, tzinfo=UTC)
    fields: dict[str, Any] = {"last_good_version": 3, "restored_to": moment, "generation": 2, "announced": moment}
    return encode_ledger_event(restored_event(changed.pop("account_id", ACCOUNT), **fields | changed))


def test_every_attribute() -> None:
    assert json.loads(announced()) == {
        "specversion": "1.0",
        "id": f"{ACCOUNT}/restored/2",
        "source": "/daybook/ledger",
        "type": "daybook.ledger.Restored.v1",
        "subject": ACCOUNT,
        "time": "2026-03-01T11:15:00.999Z",
        "dataschema": "urn:daybook:schema:ledger:Restored:1",
        "datacontenttype": "application/json",
        "recordedtime": "2026-03-01T11:15:00.999Z",
        "data": {"last_good_version": 3, "restored_to": "2026-03-01T11:15:00.999Z", "generation": 2},
    }


def test_an_account_that_was_opened_after_the_moment_has_no_good_version() -> None:
    assert json.loads(announced(last_good_version=0))["data"]["last_good_version"] == 0


@pytest.mark.parametrize("changed", [{"last_good_version": -1}, {"generation": 0}, {"account_id": "somebody"}], ids=str)
def test_what_cannot_be_is_not_told(changed: dict[str, Any]) -> None:
    with pytest.raises(NotPublishableError):
        announced(**changed)


def test_the_source_tells_the_two_kinds_apart() -> None:
    event = domain_event(credited(1))
    assert decode_published(encode_domain_event(event)) == event
    assert decode_published(LINE) == restored_example()
    assert decode_published(LINE.decode()) == restored_example()
    with pytest.raises(NotPublishableError):
        decode_domain_event(LINE)


def test_what_an_event_says_does_not_make_it_the_ledgers() -> None:
    """Nor does its type: the source alone tells."""
    document = json.loads(encode_domain_event(domain_event(credited(1))))
    document["data"]["reference"] = "daybook.ledger.Restored.v1 /daybook/ledger"
    assert decode_published(json.dumps(document)) == decode_domain_event(json.dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        {"source": "/daybook/accounts"},
        {"source": "/elsewhere"},
        {"source": None},
        {"type": "daybook.ledger.Moved.v1"},
        {"data": {"last_good_version": "3"}},
        {"recordedtime": "yesterday"},
    ],
    ids=str,
)
def test_what_is_neither_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(NotPublishableError):
        decode_published(json.dumps(json.loads(LINE) | change))


@pytest.mark.parametrize(
    "change",
    [{"source": "/elsewhere", "type": "card.Blocked.v1"}, {"type": "daybook.ledger.Moved.v1", "data": {}}],
    ids=str,
)
def test_what_a_consumer_need_not_know_is_told_apart(change: dict[str, Any]) -> None:
    with pytest.raises(IgnoredDocumentError):
        decode_published(json.dumps(json.loads(LINE) | change))


@pytest.mark.parametrize(
    "change",
    [
        {"type": "daybook.ledger.Restored.v2"},
        {"data": {}},
        {"subject": "somebody"},
        {"recordedtime": "yesterday"},
        {"source": "/daybook/accounts"},
        {"source": None},
        {"type": None},
    ],
    ids=str,
)
def test_a_restore_that_cannot_be_read_is_never_ignored(change: dict[str, Any]) -> None:
    with pytest.raises(NotPublishableError) as refused:
        decode_published(json.dumps(json.loads(LINE) | change))
    assert not isinstance(refused.value, IgnoredDocumentError | UnreadableEventError)


def test_an_event_of_an_account_that_tells_only_its_place_is_refused_with_it() -> None:
    document = json.loads(encode_domain_event(domain_event(credited(1)))) | {"data": {}}
    with pytest.raises(UnreadableEventError) as refused:
        decode_published(json.dumps(document))
    assert (refused.value.place.subject, refused.value.place.streamversion) == (ACCOUNT, 1)


@pytest.mark.parametrize("line", [b"", b"[]", b"\xff", b'{"source": "/daybook/ledger"}', b"[" * 5000])
def test_no_text_raises_anything_else(line: bytes) -> None:
    with pytest.raises(NotPublishableError):
        decode_published(line)


def test_unknown_attributes_and_fields_are_ignored() -> None:
    document = json.loads(LINE)
    more = document | {"later": 1, "data": document["data"] | {"later": True}}
    assert decode_published(json.dumps(more)) == restored_example()
