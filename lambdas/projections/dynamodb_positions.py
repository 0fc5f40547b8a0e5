"""Positions in the stream and the last measurement of the lag, as items."""

from __future__ import annotations

from typing import Final

import msgspec

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections import table
from lambdas.projections.dynamodb_requests import Requests, partition
from lambdas.projections.items import decoded, text_of
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

    def save(self, position: Position) -> None:
        """See Positions.save. The last one who writes is right."""
        self._requests.put(table.position_key(position.shard) | {table.POSITION: text_of(position)})

    def lag(self, deadline: Deadline | None = None) -> Lag | None:
        """See Positions.lag."""
        item = self._requests.get(table.LAG_KEY, deadline)
        return None if item is None else decoded(item, table.LAG, _lags)

    def save_lag(self, lag: Lag) -> None:
        """See Positions.save_lag."""
        self._requests.put(table.LAG_KEY | {table.LAG: text_of(lag)})
