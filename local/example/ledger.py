"""Reads the event table directly, with the same query by which the API reads a balance."""

import json
from dataclasses import dataclass
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.eventsourcing.dynamodb_schema import EVENT_TABLE_HASH_KEY, EVENT_TABLE_RANGE_KEY
from local.emulator import aws
from local.machine.environment import Environment
from local.machine.errors import ExampleFailedError

Item = dict[str, dict[str, Any]]

_READ_UNIT_BYTES = 4096
_NUMBER_BYTES_BASE = 1


@dataclass(frozen=True)
class Row:
    """One row of the event table. `snapshot` is the state that the row carries, if any."""

    version: int
    type: str
    data: dict[str, Any]
    snapshot: dict[str, Any] | None


@dataclass(frozen=True)
class Read:
    """The result of one Query, newest row first. `bytes` is the size that DynamoDB charges for."""

    rows: list[Row]
    bytes: int
    reported_units: float

    @property
    def read_units(self) -> int:
        """Read units of a strongly consistent query: one for each 4 KB begun (AWS's published rule)."""
        return -(-self.bytes // _READ_UNIT_BYTES)

    @property
    def snapshot(self) -> Row | None:
        """The newest row that carries a snapshot."""
        return next((row for row in self.rows if row.snapshot is not None), None)

    @property
    def tail(self) -> list[Row]:
        """The events since that row, oldest first."""
        newest = self.snapshot
        return [row for row in reversed(self.rows) if newest is None or row.version > newest.version]


def read_newest(environment: Environment, stream_id: str, *, limit: int) -> Read:
    """One strongly consistent descending Query on the event table. Raises ExampleFailedError."""
    try:
        found = aws.client(environment, "dynamodb").query(
            TableName=environment.event_table,
            KeyConditionExpression="#stream = :stream",
            ExpressionAttributeNames={"#stream": EVENT_TABLE_HASH_KEY},
            ExpressionAttributeValues={":stream": {"S": stream_id}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=limit,
            ReturnConsumedCapacity="TOTAL",
        )
    except (BotoCoreError, ClientError) as error:
        raise ExampleFailedError(f"The event table could not be read: {error}") from error
    items = cast("list[Item]", found["Items"])
    return Read(
        rows=[_row(item) for item in items],
        bytes=sum(item_bytes(item) for item in items),
        reported_units=float(found["ConsumedCapacity"]["CapacityUnits"]),
    )


def item_bytes(item: Item) -> int:
    """An item's size by AWS's published rules: names and strings in UTF-8, a number about half a byte a digit."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return (len(content.strip("-0.").replace(".", "")) + 1) // 2 + _NUMBER_BYTES_BASE
        case "B":
            return len(content)
        case _:
            raise ExampleFailedError(f"The event table has an attribute of an unexpected kind, {kind}.")


def _row(item: Item) -> Row:
    state = item.get("state")
    return Row(
        version=int(item[EVENT_TABLE_RANGE_KEY]["N"]),
        type=item["type"]["S"],
        data=json.loads(item["data"]["S"]),
        snapshot=None if state is None else json.loads(state["S"]),
    )
