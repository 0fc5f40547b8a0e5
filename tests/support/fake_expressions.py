"""The expressions of DynamoDB that the event store uses, worked out on an item.

Sources: Amazon DynamoDB Developer Guide, "Condition and filter expressions", "Update expressions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Item = dict[str, dict[str, Any]]
Key = Decimal | str


def keyed(write: Mapping[str, Any]) -> Item:
    """Something with the key attributes of what is written."""
    item: Item = write["Key"] if "Key" in write else write["Item"]
    return item


def sortable(value: Mapping[str, Any]) -> Key:
    """A range key as something that sorts."""
    return Decimal(value["N"]) if "N" in value else str(value["S"])


def check_placeholders(write: Mapping[str, Any]) -> None:
    """DynamoDB refuses a placeholder that is not used, and one that is not there."""
    expressions = f"{write.get('ConditionExpression', '')} {write.get('UpdateExpression', '')}"
    names, values = write.get("ExpressionAttributeNames", {}), write.get("ExpressionAttributeValues", {})
    assert set(re.findall(r"[#:]\w+", expressions)) == names.keys() | values.keys(), write


def updated(update: Mapping[str, Any], existing: Item | None) -> Item:
    """The item after `SET #a = :a, #b = if_not_exists(#b, :b), … REMOVE #c, …`, which may leave out the second part."""
    names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
    if update["UpdateExpression"].startswith("ADD "):
        return _added(update, existing)
    sets, _, removes = update["UpdateExpression"].removeprefix("SET ").partition(" REMOVE ")
    assignments = dict(term.split(" = ") for term in re.split(r", (?![^(]*\))", sets))
    cleared = removes.split(", ") if removes else []
    paths = [names[placeholder] for placeholder in (*assignments, *cleared)]
    assert len(set(paths) - update["Key"].keys()) == len(paths), f"keys or overlapping paths: {paths}"
    item = dict(existing or update["Key"])
    for name, value in assignments.items():
        if value.startswith(f"if_not_exists({name}, "):
            item.setdefault(names[name], values[value.removesuffix(")").rpartition(" ")[2]])
        else:
            item[names[name]] = values[value]
    for name in cleared:
        item.pop(names[name], None)
    return item


def _added(update: Mapping[str, Any], existing: Item | None) -> Item:
    """The item after `ADD #a :a, #b :b`, all of numbers, which are 0 where there is none. Python's have no limit."""
    item = dict(existing or update["Key"])
    for term in update["UpdateExpression"].removeprefix("ADD ").split(", "):
        name, value = term.split(" ")
        path = update["ExpressionAttributeNames"][name]
        amount = int(update["ExpressionAttributeValues"][value]["N"]) + int(item.get(path, {"N": "0"})["N"])
        item[path] = {"N": str(amount)}
    return item


def holds(expression: str, write: Mapping[str, Any], existing: Item | None) -> bool:
    """Terms `attribute_not_exists(name)`, `name = :value` and `name <= :value`, joined by OR or by AND, not by both."""
    assert " OR " not in expression or " AND " not in expression, expression
    join, word = (all, " AND ") if " AND " in expression else (any, " OR ")
    return join(_met(term, write, existing or {}) for term in expression.split(word))


def _met(term: str, write: Mapping[str, Any], existing: Item) -> bool:
    names, values = write.get("ExpressionAttributeNames", {}), write.get("ExpressionAttributeValues", {})
    if term.startswith("attribute_not_exists("):
        name = term.removeprefix("attribute_not_exists(").removesuffix(")")
        return names.get(name, name) not in existing
    name, operator, value = term.split(" ")
    assert operator in {"<=", "="}, term
    attribute = existing.get(names.get(name, name), {})
    if operator == "=":
        return bool(attribute == values[value])
    return attribute.keys() == values[value].keys() and sortable(attribute) <= sortable(values[value])  # type: ignore[operator]


def bounds(expression: str, values: Mapping[str, Mapping[str, str]]) -> tuple[Key | None, Key | None]:
    """The range keys that a query asks for, ends included; None: no bound."""
    match expression:
        case "#s = :s":
            return None, None
        case "#s = :s AND #v >= :first":
            return sortable(values[":first"]), None
        case "#s = :s AND #v <= :last":
            return None, sortable(values[":last"])
        case "#s = :s AND #v BETWEEN :first AND :last":
            return sortable(values[":first"]), sortable(values[":last"])
    raise AssertionError(f"an expression the fake does not know: {expression}")
