"""The release before this one can read all that this one stores: it still runs beside it, and may come back."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given

from lambdas.accounts.codec import EVENT_SCHEMAS, STATE_SCHEMA, Schema
from lambdas.accounts.events import AccountEvent, BalanceCredited
from lambdas.contracts.release import noted, read_released, stored_document, unreadable
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.unit.accounts.spec import fold
from tests.unit.accounts.test_properties import ANY_EVENT, histories

CODEC = ACCOUNT_DECIDER.codec
RELEASED = read_released()
VALIDATORS = {
    (name, int(version)): jsonschema_rs.validator_for(document)
    for name, versions in RELEASED.items()
    for version, document in versions.items()
}


class AccountFrozen(msgspec.Struct):
    """An event that no release has read yet."""


def as_it_is(fields: dict[str, Any]) -> dict[str, Any]:
    return fields


SECOND = Schema(BalanceCredited, 2, {1: as_it_is}, {2: as_it_is})


def test_every_schema_that_is_written_was_read_by_the_release_before() -> None:
    assert list(unreadable(RELEASED)) == []


@given(event=ANY_EVENT)
def test_every_event_is_stored_as_the_release_before_knows_it(event: AccountEvent) -> None:
    name, schema, text = CODEC.encode(event)
    VALIDATORS[name, schema].validate(msgspec.json.decode(text))


@given(history=histories())
def test_every_snapshot_is_stored_as_the_release_before_knows_it(history: list[AccountEvent]) -> None:
    for length in range(1, len(history) + 1):
        state = fold(history[:length])
        assert state is not None
        text = CODEC.encode_state(state)
        assert text is not None
        VALIDATORS[STATE_SCHEMA.cls.__name__, CODEC.state_schema].validate(msgspec.json.decode(text))


def test_a_new_version_is_written_by_the_release_after() -> None:
    stored = [SECOND, *EVENT_SCHEMAS]
    (first,) = unreadable(RELEASED, [SECOND])
    assert first == "BalanceCredited v2 is not released yet: put 1 for it into WRITES in lambdas/accounts/codec.py"
    assert list(unreadable(RELEASED, stored, {"BalanceCredited": 1})) == []
    after = {**RELEASED, "BalanceCredited": {**RELEASED["BalanceCredited"], "2": stored_document(SECOND)}}
    assert list(unreadable(after, [SECOND])) == []


def test_a_new_event_is_written_by_the_release_after() -> None:
    (finding,) = unreadable(RELEASED, [Schema(AccountFrozen)], {})
    assert finding == "AccountFrozen v1 is not released yet: put 0 for it into WRITES in lambdas/accounts/codec.py"
    assert list(unreadable(RELEASED, [Schema(AccountFrozen)], {"AccountFrozen": 0})) == []


@pytest.mark.parametrize("schema", [*EVENT_SCHEMAS, STATE_SCHEMA], ids=lambda schema: schema.cls.__name__)
def test_a_released_version_does_not_change(schema: Schema) -> None:
    """Not even by an optional field, which the release before would leave out of what it folds."""
    fields = [(each.name, each.type, each.default) for each in msgspec.structs.fields(schema.cls)]
    wider = msgspec.defstruct(
        schema.cls.__name__, [*fields, ("later", int | msgspec.UnsetType, msgspec.UNSET)], kw_only=True
    )
    (finding,) = unreadable(RELEASED, [Schema(wider, schema.version)], {})
    assert "has changed: give it the next version" in finding


def test_a_field_may_be_called_like_a_text_of_the_schema() -> None:
    named = msgspec.defstruct("Named", [("title", str), ("description", int)])
    assert stored_document(Schema(named))["properties"] == {
        "title": {"type": "string"},
        "description": {"type": "integer"},
    }


def test_what_was_released_is_kept() -> None:
    earlier = {"BalanceCredited": {"0": {"type": "object"}}}
    assert noted(earlier)["BalanceCredited"].keys() == {"0", "1"}
    assert noted(earlier)["BalanceCredited"]["0"] == {"type": "object"}
