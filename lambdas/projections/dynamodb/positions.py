"""Positions in the stream and the last measurement of the lag, as items."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import msgspec

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.table_requests import ConditionFailedError, Request
from lambdas.projections.dynamodb import table
from lambdas.projections.dynamodb.items import decoded, text_of
from lambdas.projections.dynamodb.requests import Requests, partition
from lambdas.projections.lag import Lag, Position

_positions: Final = msgspec.json.Decoder(Position)
_lags: Final = msgspec.json.Decoder(Lag)


class PositionItems:
    """A Positions. What is read may raise CorruptItemError."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def all(self) -> dict[str, Position]:
        """See Positions.all."""
        pages = self._requests.query(partition(table.POSITIONS_PARTITION))
        positions = (decoded(item, table.POSITION, _positions) for page in pages for item in page)
        return {position.shard: position for position in positions}

    def save(self, position: Position, deadline: Deadline | None = None) -> None:
        """See Positions.save."""
        reached = {"S": position.sequence_number.zfill(table.SEQUENCE_DIGITS)}
        item = table.position_key(position.shard) | {table.POSITION: text_of(position), table.REACHED: reached}
        with suppress(ConditionFailedError):
            self._requests.put(item, _further(reached), deadline)

    def lag(self, deadline: Deadline | None = None) -> Lag | None:
        """See Positions.lag."""
        item = self._requests.get(table.LAG_KEY, deadline)
        return None if item is None else decoded(item, table.LAG, _lags)

    def save_lag(self, lag: Lag) -> None:
        """See Positions.save_lag."""
        self._requests.put(table.LAG_KEY | {table.LAG: text_of(lag)})


def _further(reached: dict[str, Any]) -> Request:
    return {
        "ConditionExpression": "attribute_not_exists(#reached) OR #reached <= :reached",
        "ExpressionAttributeNames": {"#reached": table.REACHED},
        "ExpressionAttributeValues": {":reached": reached},
    }
