"""The lake's table of events: its columns follow from the published classes.

A column for each attribute of the envelope, and one struct, `data`, with every field of every event class, and of what
the ledger tells; an event leaves the others null. Columns and struct fields are found by name: adding one is allowed,
changing its type never. Parquet types follow from these (`string`: UTF-8, `bigint`: 64 bits, `timestamp`: Athena reads
milliseconds).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import inspect

from lambdas.accounts.events import EVENTS
from lambdas.contracts.domain_events import DomainEvent, Timestamp
from lambdas.contracts.ledger_events import LEDGER_EVENTS


class LakeTypeError(TypeError):
    """A field has no type in the lake, or one name has two types in two event classes."""


class Column(msgspec.Struct, frozen=True):
    """A column: its name, its type as Glue and Athena write it, and a comment for those who query."""

    name: str
    type: str
    comment: str = ""


EVENTS_TABLE: Final = "events"
EVENTS_PREFIX: Final = "events/"
"""The prefix of the table's files in the bucket: `events/dt=YYYY-MM-DD/`."""

PARTITION: Final = Column("dt", "string", "Day of arrival (UTC) of the oldest record in the file, YYYY-MM-DD.")


def column_type(field: inspect.Type) -> str:
    """The Glue type of a field. Raises LakeTypeError for one that has none."""
    match field:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            return "timestamp" if (extra or {}).get("format") == "date-time" else column_type(inner)
        case inspect.UnionType(types=types):
            return _one_type([each for each in types if not isinstance(each, inspect.NoneType)])
        case inspect.StrType() | inspect.LiteralType():
            return "string"
        case inspect.IntType():
            return "bigint"
        case inspect.BoolType():
            return "boolean"
        case inspect.DateTimeType():
            return "timestamp"
        case _:
            raise LakeTypeError(f"{type(field).__name__} has no type in the lake")


def _one_type(types: list[inspect.Type]) -> str:
    found = {column_type(each) for each in types}
    if len(found) != 1:
        raise LakeTypeError(f"a field of {len(found)} types has no column")
    return found.pop()


def data_fields(classes: tuple[type[msgspec.Struct], ...]) -> dict[str, str]:
    """Name and type of every field of every class, in order of first appearance. Raises LakeTypeError."""
    fields: dict[str, str] = {}
    for cls in classes:
        for field in _struct(cls).fields:
            kind = column_type(field.type)
            if fields.setdefault(field.encode_name, kind) != kind:
                raise LakeTypeError(f"{cls.__name__}.{field.name} is {kind}, elsewhere {fields[field.encode_name]}")
    return fields


def _struct(cls: Any) -> inspect.StructType:
    kind = inspect.type_info(cls)
    if not isinstance(kind, inspect.StructType):
        raise LakeTypeError(f"{cls} is not a struct")
    return kind


def _columns() -> tuple[Column, ...]:
    members = ",".join(f"{name}:{kind}" for name, kind in DATA_FIELDS.items())
    columns = []
    for field in _struct(DomainEvent[Any]).fields:
        name = field.encode_name
        if name == "data":
            columns.append(Column(name, f"struct<{members}>", "Fields of all event types; those of others are null."))
        else:
            columns.append(Column(name, column_type(field.type), _comment(field.type)))
    return tuple(columns)


def _comment(field: inspect.Type) -> str:
    extra = field.extra_json_schema if isinstance(field, inspect.Metadata) else None
    return str((extra or {}).get("description", ""))


DATA_FIELDS: Final = data_fields((*EVENTS, *LEDGER_EVENTS))
"""Name and Glue type of each field of the `data` struct."""

LAKE_COLUMNS: Final = _columns()
"""The table's columns, without the partition."""


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table of revocations: an account's events that a restore revoked.

    They are those beyond `last_good_version` that were recorded before `recordedtime`.
    """

    account_id: str
    last_good_version: int
    recordedtime: Timestamp
    restored_to: Timestamp
    generation: int


REVOCATIONS_TABLE: Final = "revocations"
REVOCATIONS_PREFIX: Final = "revocations/"
"""The prefix of the table's files in the bucket: one file for each restore."""

REVOCATION_COLUMNS: Final = tuple(
    Column(field.encode_name, column_type(field.type)) for field in _struct(Revocation).fields
)
"""The table's columns. It has no partitions: a handful of files stands for all restores there ever were."""
