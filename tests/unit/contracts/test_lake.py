"""The lake's columns: the envelope's attributes, and one struct of all events' fields."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from lambdas.accounts.codec import EVENT_SCHEMAS
from lambdas.accounts.events import EVENTS
from lambdas.contracts.domain_events import domain_event, encode_domain_event
from lambdas.contracts.event_schemas import schema_name
from lambdas.contracts.generate import SCHEMA_FOLDER
from lambdas.contracts.lake import (
    DATA_FIELDS,
    LAKE_COLUMNS,
    PARTITION,
    REVOCATION_COLUMNS,
    LakeTypeError,
    data_fields,
)
from lambdas.contracts.ledger_events import LEDGER_EVENTS
from tests.support.event_rows import row_of, stored_events

JSON_TYPES = {"string": str, "timestamp": str, "bigint": int}


SCHEMAS = [json.loads((SCHEMA_FOLDER / f"{schema_name(each)}.json").read_text("utf-8")) for each in EVENT_SCHEMAS]
GLUE_TYPES = {"string": "string", "integer": "bigint"}
FIELDS = {name: GLUE_TYPES[field["type"]] for schema in SCHEMAS for name, field in schema["properties"].items()}
"""Every field of the committed schemas of accounts' events."""
OF_THE_LEDGER = {"last_good_version": "bigint", "restored_to": "timestamp", "generation": "bigint"}
"""Those of what the ledger tells."""


def test_the_columns() -> None:
    assert {column.name: column.type for column in LAKE_COLUMNS} == {
        "specversion": "string",
        "id": "string",
        "source": "string",
        "type": "string",
        "subject": "string",
        "time": "timestamp",
        "dataschema": "string",
        "datacontenttype": "string",
        "streamversion": "bigint",
        "recordedtime": "timestamp",
        "rowhash": "string",
        "correlationid": "string",
        "causationid": "string",
        "data": f"struct<{','.join(f'{name}:{kind}' for name, kind in (FIELDS | OF_THE_LEDGER).items())}>",
    }


def test_types_of_columns_never_change() -> None:
    """Files that are written stay as they are: a field may be added, but none may go or get another type."""
    first = {
        "currency": "string",
        "overdraft_limit": "bigint",
        "amount": "bigint",
        "reference": "string",
        "transfer_id": "string",
        "to_account_id": "string",
        "from_account_id": "string",
    }
    assert first.items() <= DATA_FIELDS.items()


@pytest.mark.parametrize("name", sorted(stored_events()))
def test_every_published_value_has_a_column_of_its_type(name: str) -> None:
    event: dict[str, Any] = json.loads(encode_domain_event(domain_event(row_of(name))))
    types = {column.name: column.type for column in LAKE_COLUMNS}
    data = event.pop("data")
    assert all(isinstance(value, JSON_TYPES[types[name]]) for name, value in event.items())
    assert all(isinstance(value, JSON_TYPES[DATA_FIELDS[name]]) for name, value in data.items())


def test_every_field_of_every_event_is_there() -> None:
    classes = (*EVENTS, *LEDGER_EVENTS)
    assert {field for cls in classes for field in cls.__struct_fields__} == DATA_FIELDS.keys()


def test_the_columns_of_revocations() -> None:
    """Written once, read for ever: none may go or get another type."""
    assert {column.name: column.type for column in REVOCATION_COLUMNS} == {
        "account_id": "string",
        "last_good_version": "bigint",
        "recordedtime": "timestamp",
        "restored_to": "timestamp",
        "generation": "bigint",
    }


def test_comments_fit_glue() -> None:
    assert all(len(column.comment) <= 255 for column in (*LAKE_COLUMNS, PARTITION))


def _event(**fields: Any) -> type[msgspec.Struct]:
    return msgspec.defstruct("Happened", list(fields.items()), frozen=True)


def test_one_name_has_one_type() -> None:
    with pytest.raises(LakeTypeError, match=r"Happened\.amount is string, elsewhere bigint"):
        data_fields((_event(amount=int), _event(amount=str)))


@pytest.mark.parametrize("kind", [float, list[str], int | str, dict[str, str]], ids=str)
def test_a_field_without_a_type_in_the_lake_is_refused(kind: Any) -> None:
    with pytest.raises(LakeTypeError):
        data_fields((_event(amount=kind),))


def test_other_types_that_have_one() -> None:
    assert data_fields((_event(a=bool, b=str | None, c=int | msgspec.UnsetType),)) == {
        "a": "boolean",
        "b": "string",
        "c": "bigint",
    }
