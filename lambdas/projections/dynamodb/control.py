"""The control row as an item, and the condition that others put on it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.table_requests import ConditionFailedError, Item, Request
from lambdas.projections.control import Control
from lambdas.projections.dynamodb import table
from lambdas.projections.dynamodb.items import decoded, text_of
from lambdas.projections.dynamodb.requests import Requests
from lambdas.projections.errors import ControlChangedError

_controls: Final = msgspec.json.Decoder(Control)


class ControlItem:
    """A ControlRow. Raises CorruptItemError, too."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def read(self, deadline: Deadline | None = None) -> Control:
        """See ControlRow.read."""
        return control_of(self._requests.get(table.CONTROL_KEY, deadline))

    def change(self, before: Control, after: Control) -> None:
        """See ControlRow.change."""
        expected: Any = None if before == Control() else text_of(before)
        while True:
            try:
                return self._requests.put(_item(after), _still(expected))
            except ConditionFailedError as failed:
                found = failed.items.get(0) or self._requests.get(table.CONTROL_KEY)
                current = control_of(found)
                if found is not None and current == after:
                    return None
                if found is None or current != before or found[table.CONTROL] == expected:
                    raise ControlChangedError("The control row was changed by somebody else.") from failed
                expected = found[table.CONTROL]  # the same, as another release has written it


def control_of(item: Item | None) -> Control:
    """What the control row says; an empty Control if there is none. Raises CorruptItemError."""
    return Control() if item is None else decoded(item, table.CONTROL, _controls)


def walks(generation: int, rebuild: str) -> Request:
    """An action of a transaction, which fails unless this rebuild is walking the event table."""
    return {
        "ConditionCheck": {
            "Key": table.CONTROL_KEY,
            "ConditionExpression": "#walking = :walking",
            "ExpressionAttributeNames": {"#walking": table.WALKING},
            "ExpressionAttributeValues": {":walking": {"S": table.walking(generation, rebuild)}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def _item(control: Control) -> Item:
    item = table.CONTROL_KEY | {table.CONTROL: text_of(control)}
    if control.walking is not None:
        item[table.WALKING] = {"S": table.walking(control.walking.generation, control.walking.rebuild)}
    return item


def _still(expected: Any) -> Request:
    condition: dict[str, Any] = {
        "ConditionExpression": "#control = :control",
        "ExpressionAttributeNames": {"#control": table.CONTROL},
        "ExpressionAttributeValues": {":control": expected},
    }
    if expected is None:
        condition = {
            "ConditionExpression": "attribute_not_exists(#control)",
            "ExpressionAttributeNames": {"#control": table.CONTROL},
        }
    return condition | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
