"""Items of a read model's table to and from what they hold. What cannot be read is a CorruptItemError."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Generic, TypeVar

import msgspec

from lambdas.eventsourcing.table_requests import Item
from lambdas.projections.dynamodb import table
from lambdas.projections.errors import AdditionRefusedError, CorruptItemError
from lambdas.projections.projection import K, Measures, Place, Projection
from lambdas.projections.read_model import AccountRow, Gate

T = TypeVar("T")

MOST_DIGITS: Final = 38
"""Of a number. Source: Amazon DynamoDB Developer Guide, "Supported data types and naming rules"."""

_KEYS: Final = {table.HASH_KEY, table.RANGE_KEY}
_gates: Final = msgspec.json.Decoder(Gate)


def text_of(content: msgspec.Struct) -> dict[str, str]:
    """The attribute of a struct: its JSON text. Equal structs have equal texts."""
    return {"S": msgspec.json.encode(content).decode()}


def string(item: Item, name: str) -> str:
    """The text of an attribute. Raises CorruptItemError."""
    value = item.get(name, {}).get("S")
    if not isinstance(value, str):
        raise CorruptItemError(key_of(item), f"it has no text {name}")
    return value


def decoded(item: Item, name: str, decoder: msgspec.json.Decoder[T]) -> T:
    """What the JSON text of an attribute says. Raises CorruptItemError."""
    try:
        return decoder.decode(string(item, name))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise CorruptItemError(key_of(item), f"{name} is not what it should be: {error}") from None


def key_of(item: Item) -> str:
    """The key of an item, for a sentence."""
    return "/".join(str(item.get(name, {}).get("S", "?")) for name in (table.HASH_KEY, table.RANGE_KEY))


class AccountItems(Generic[K]):
    """Account rows of one projection as items."""

    def __init__(self, projection: Projection[K]) -> None:
        self._place = projection.place
        self._groups = projection.groups
        self._kept: msgspec.json.Decoder[K] = msgspec.json.Decoder(projection.keeps)

    def item(self, generation: int, row: AccountRow[K]) -> dict[str, dict[str, str]]:
        """The item of a row. Raises ValueError for a place outside of the projection's groups, or with a # in it."""
        item = table.account_key(generation, row.account_id) | {table.GATE: text_of(row.gate)}
        if row.kept is not None:
            item[table.KEPT] = text_of(row.kept)
            if self._place is not None:
                item |= self._listed(generation, row.account_id, self._place(row.kept))
        if row.gate.stopped:
            item[table.STOPPED_IN] = {"S": table.stopped_in(generation)}
        return item

    def row(self, item: Item) -> AccountRow[K]:
        """The row of an item. Raises CorruptItemError."""
        account_id = table.account_of(string(item, table.HASH_KEY))
        kept = decoded(item, table.KEPT, self._kept) if table.KEPT in item else None
        return AccountRow(account_id, gate_of(item), kept)

    def _listed(self, generation: int, account_id: str, place: Place) -> dict[str, dict[str, str]]:
        if place.group not in self._groups or "#" in place.group + place.order:
            raise ValueError(f"{place} is no place in the groups {', '.join(self._groups)}")
        return {
            table.LISTED: {"S": table.listed(generation, place.group, table.shard_of(account_id))},
            table.ORDERED: {"S": table.ordered(place.order, account_id)},
        }


def gate_of(item: Item) -> Gate:
    """The gate of an account row. Raises CorruptItemError."""
    return decoded(item, table.GATE, _gates)


def addition(key: table.Key, measures: Measures) -> dict[str, Any]:
    """An update that adds to a shared row. Raises AdditionRefusedError for a number of more than 38 digits."""
    for name, amount in measures.items():
        if len(str(abs(amount))) > MOST_DIGITS:
            raise AdditionRefusedError(key_of(key), f"{name} has more than {MOST_DIGITS} digits")
    numbered = list(enumerate(measures.items()))
    return {
        "Key": key,
        "UpdateExpression": "ADD " + ", ".join(f"#m{number} :m{number}" for number, _ in numbered),
        "ExpressionAttributeNames": {f"#m{number}": name for number, (name, _) in numbered},
        "ExpressionAttributeValues": {f":m{number}": {"N": str(amount)} for number, (_, amount) in numbered},
    }


def measures_of(item: Item) -> dict[str, int]:
    """The measures of a shared row. Raises CorruptItemError."""
    return {name: _whole(item, name, value) for name, value in item.items() if name not in _KEYS}


def _whole(item: Item, name: str, value: Mapping[str, Any]) -> int:
    try:
        number = Decimal(value["N"])
        whole = int(number)
    except (KeyError, TypeError, ValueError, OverflowError, InvalidOperation):
        raise CorruptItemError(key_of(item), f"{name} is no number") from None
    if whole != number:
        raise CorruptItemError(key_of(item), f"{name} is no whole number")
    return whole
