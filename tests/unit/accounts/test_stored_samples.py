"""One stored sample of every event type and version, and of every version of the state, kept for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from lambdas.accounts.codec import EVENT_SCHEMAS, STATE_SCHEMA
from lambdas.accounts.events import (
    AccountClosed,
    AccountCreated,
    AccountEvent,
    BalanceCredited,
    BalanceWithdrawn,
    TransferReceived,
    TransferSent,
)
from lambdas.accounts.state import Account
from lambdas.contracts.event_schemas import schema_name
from lambdas.contracts.examples import event_example
from lambdas.contracts.generate import SAMPLE_FOLDER
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.unit.accounts.spec import TRANSFER_ID, A, B

SAMPLES = Path(__file__).with_name("samples")
CODEC = ACCOUNT_DECIDER.codec

EVENTS: dict[str, AccountEvent] = {
    **{schema_name(schema): event_example(schema.cls) for schema in EVENT_SCHEMAS},
    "AccountCreated.v1": AccountCreated(currency="EUR", overdraft_limit=5000),
    "BalanceCredited.v1": BalanceCredited(amount=999_999_999_999_999, currency="JPY", reference="invoice 4711"),
    "BalanceCredited.v1.bare": BalanceCredited(amount=1, currency="EUR"),
    "BalanceWithdrawn.v1": BalanceWithdrawn(amount=10, currency="EUR", reference="cash"),
    "BalanceWithdrawn.v1.withdrawn-currency": BalanceWithdrawn(amount=10, currency="HRK"),
    "TransferSent.v1": TransferSent(
        transfer_id=TRANSFER_ID, to_account_id=B, amount=30, currency="EUR", reference="rent"
    ),
    "TransferReceived.v1": TransferReceived(transfer_id=TRANSFER_ID, from_account_id=A, amount=30, currency="EUR"),
    "AccountClosed.v1": AccountClosed(currency="EUR"),
}
"""What each sample says: the example of its event, or else what stands here, as it must for every older version."""
STATES = {
    "Account.v1": Account(status="open", currency="EUR", balance=-60, overdraft_limit=5000),
    "Account.v1.closed": Account(status="closed", currency="JPY", balance=0, overdraft_limit=0),
}


def stored(folder: str, name: str) -> str:
    return (SAMPLES / folder / f"{name}.json").read_text(encoding="utf-8").rstrip("\n")


@pytest.mark.parametrize("name", EVENTS)
def test_a_stored_event_decodes(name: str) -> None:
    type_name, version = name.split(".")[:2]
    assert CODEC.decode(type_name, int(version[1:]), stored("events", name)) == EVENTS[name]


@pytest.mark.parametrize("name", STATES)
def test_a_stored_state_decodes(name: str) -> None:
    version = int(name.split(".")[1][1:])
    assert CODEC.decode_state(version, stored("state", name)) == STATES[name]


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_of_the_current_version_is_still_stored_like_its_sample(name: str) -> None:
    type_name, version = name.split(".")[:2]
    encoded = CODEC.encode(EVENTS[name])
    if encoded[1] == int(version[1:]):
        assert encoded == (type_name, encoded[1], stored("events", name))


@pytest.mark.parametrize("name", STATES)
def test_a_state_of_the_current_version_is_still_stored_like_its_sample(name: str) -> None:
    if int(name.split(".")[1][1:]) == CODEC.state_schema:
        assert CODEC.encode_state(STATES[name]) == stored("state", name)


def test_every_type_and_version_has_a_sample() -> None:
    events = {f"{schema.cls.__name__}.v{n}" for schema in EVENT_SCHEMAS for n in range(1, schema.version + 1)}
    states = {f"{STATE_SCHEMA.cls.__name__}.v{n}" for n in range(1, STATE_SCHEMA.version + 1)}
    assert events <= EVENTS.keys(), "say in EVENTS what a sample of an older version decodes to"
    assert states <= STATES.keys()


def test_every_sample_is_tested() -> None:
    written = {path.stem for path in (SAMPLES / "events").iterdir()}
    assert written == EVENTS.keys(), "a sample is missing, or unknown; run: python -m lambdas.contracts.generate"
    assert {path.stem for path in (SAMPLES / "state").iterdir()} == STATES.keys()


def test_new_samples_are_written_to_where_they_are_read() -> None:
    assert SAMPLE_FOLDER == SAMPLES / "events"
