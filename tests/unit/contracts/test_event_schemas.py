"""The committed schemas and the AsyncAPI document: what the classes say, valid, and met by every event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from lambdas.accounts.codec import EVENT_SCHEMAS
from lambdas.contracts.asyncapi import asyncapi_document
from lambdas.contracts.domain_events import domain_event, encode_domain_event
from lambdas.contracts.event_examples import restored_example
from lambdas.contracts.generate import ASYNCAPI_FILE, SCHEMA_FOLDER, artifacts
from lambdas.contracts.ledger_events import LEDGER_EVENTS, encode_ledger_event
from tests.support.event_rows import credited, row_of, stored_events

COMMITTED: dict[str, Any] = {path.stem: json.loads(path.read_text("utf-8")) for path in SCHEMA_FOLDER.iterdir()}
REGISTRY = jsonschema_rs.Registry([(schema["$id"], schema) for schema in COMMITTED.values()])
PUBLISHED = jsonschema_rs.Draft202012Validator(COMMITTED["Published"], registry=REGISTRY, validate_formats=True)
ENVELOPE = jsonschema_rs.Draft202012Validator(COMMITTED["DomainEvent"], registry=REGISTRY, validate_formats=True)
ASYNCAPI = asyncapi_document()
ENVELOPES = {"DomainEvent", "LedgerEvent", "Published"}


def document(sample: str) -> dict[str, Any]:
    """The domain event of a stored sample."""
    decoded: dict[str, Any] = json.loads(encode_domain_event(domain_event(row_of(sample))))
    return decoded


@pytest.mark.parametrize("path", artifacts(), ids=lambda path: path.name)
def test_the_committed_documents_are_the_generated_ones(path: Any) -> None:
    assert path.read_text("utf-8") == artifacts()[path], "run: python -m lambdas.contracts.generate"


def test_every_type_and_version_has_a_committed_schema() -> None:
    versions = {f"{each.cls.__name__}.v{n}" for each in EVENT_SCHEMAS for n in range(1, each.version + 1)}
    of_the_ledger = {f"{each.__name__}.v1" for each in LEDGER_EVENTS}
    assert COMMITTED.keys() == versions | of_the_ledger | ENVELOPES


def test_a_schema_is_found_by_the_dataschema_of_its_events() -> None:
    for name, schema in COMMITTED.items():
        cls, _, version = name.partition(".v")
        if name not in ENVELOPES:
            of = "ledger" if cls in {each.__name__ for each in LEDGER_EVENTS} else "account"
            assert schema["$id"] == f"urn:daybook:schema:{of}:{cls}:{version}"


@pytest.mark.parametrize("name", sorted(stored_events()))
def test_every_sample_meets_the_schema_of_its_type_and_version(name: str) -> None:
    schema = COMMITTED[".".join(name.split(".")[:2])]
    jsonschema_rs.Draft202012Validator(schema).validate(json.loads(stored_events()[name]))


@pytest.mark.parametrize("name", sorted(stored_events()))
def test_every_published_sample_meets_the_envelope(name: str) -> None:
    ENVELOPE.validate(document(name))
    PUBLISHED.validate(document(name))


@pytest.mark.parametrize("attribute", sorted(document("AccountClosed.v1")))
def test_every_attribute_is_needed(attribute: str) -> None:
    event = document("AccountClosed.v1")
    del event[attribute]
    assert not ENVELOPE.is_valid(event)


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"amount": 0, "currency": "EUR"}},
        {"data": {"currency": "EUR"}},
        {"data": "text"},
        {"dataschema": "urn:daybook:schema:account:AccountClosed:1"},
        {"streamversion": 0},
        {"streamversion": "1"},
        {"time": "yesterday"},
        {"subject": "somebody"},
    ],
    ids=str,
)
def test_the_envelope_refuses(change: dict[str, Any]) -> None:
    event = json.loads(encode_domain_event(domain_event(credited(1))))
    assert ENVELOPE.is_valid(event)
    assert not ENVELOPE.is_valid(event | change)


def test_the_envelope_accepts_types_and_attributes_to_come() -> None:
    event = document("AccountClosed.v1") | {"later": 1, "data": {"frozen": True}}
    event |= {
        "type": "daybook.account.AccountFrozen.v1",
        "dataschema": "urn:daybook:schema:account:AccountFrozen:1",
    }
    ENVELOPE.validate(event)


RESTORED: dict[str, Any] = json.loads(encode_ledger_event(restored_example()))


@pytest.mark.parametrize(
    "change",
    [
        {"source": "/daybook/accounts"},
        {"id": f"{RESTORED['subject']}/2"},
        {"subject": "somebody"},
        {"data": {"last_good_version": -1, "restored_to": "2026-03-01T09:30:30.000Z", "generation": 2}},
        {"data": {"last_good_version": 1, "generation": 2}},
        {"dataschema": "urn:daybook:schema:ledger:Other:1"},
    ],
    ids=str,
)
def test_what_a_restore_tells_is_checked_as_well(change: dict[str, Any]) -> None:
    assert PUBLISHED.is_valid(RESTORED)
    assert not PUBLISHED.is_valid(RESTORED | change)
    assert not ENVELOPE.is_valid(RESTORED), "it is no event of an account"


def references(value: Any) -> Iterator[str]:
    """Every $ref in it."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from references(item)


def resolve(reference: str) -> Any:
    target: Any = ASYNCAPI
    for part in reference.removeprefix("#/").split("/"):
        target = target[part]
    return target


def test_the_asyncapi_document_has_every_event_once() -> None:
    assert json.loads(ASYNCAPI_FILE.read_text("utf-8"))["asyncapi"] == "3.0.0"
    (channel,) = ASYNCAPI["channels"].values()
    names = [resolve(message["$ref"])["name"] for message in channel["messages"].values()]
    accounts = [f"daybook.account.{each.cls.__name__}.v{each.version}" for each in EVENT_SCHEMAS]
    assert names == [*accounts, "daybook.ledger.Restored.v1"]
    for reference in references(ASYNCAPI):
        resolve(reference)


@pytest.mark.parametrize("name", ASYNCAPI["components"]["messages"])
def test_every_example_of_the_asyncapi_document_meets_its_payload_and_the_schemas(name: str) -> None:
    message = ASYNCAPI["components"]["messages"][name]
    payload = jsonschema_rs.Draft7Validator({**message["payload"], "components": ASYNCAPI["components"]})
    (example,) = message["examples"]
    assert example["payload"]["type"] == message["name"]
    payload.validate(example["payload"])
    PUBLISHED.validate(example["payload"])
    assert not payload.is_valid(example["payload"] | {"type": "daybook.account.Other.v1"})


def test_patterns_are_written_for_json_schema() -> None:
    assert not any(r"(?!\n)" in text for text in artifacts().values())
