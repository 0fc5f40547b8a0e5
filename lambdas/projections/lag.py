"""How far a read model is behind the stream of domain events: in events, and in seconds."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from lambdas.eventsourcing.retry import Deadline


class Position(Struct, frozen=True, kw_only=True):
    """Up to where a projector has folded a shard of the stream: the last record of the last whole batch."""

    shard: str
    sequence_number: str
    recordedtime: str
    """Of the newest event in that batch."""
    folded_at: str


class Lag(Struct, frozen=True, kw_only=True):
    """At the moment `measured_at`: how many events of the stream were not folded, and since when the oldest waits.

    `events` is a lower bound if `more`: the measurement reads only so many. Nothing waits: 0 and 0.
    `stopped` is the number of accounts that are stopped in the live generation.
    """

    events: int
    seconds: float
    measured_at: str
    more: bool = False
    stopped: int = 0


class Positions(Protocol):
    """Positions and the last measurement of one projection. Every method raises ReadModelUnavailableError."""

    def all(self) -> dict[str, Position]:
        """By shard id."""
        ...

    def save(self, position: Position, deadline: Deadline | None = None) -> None:
        """Write the position of a shard, unless it has come further: a dead letter may be delivered again late."""
        ...

    def lag(self) -> Lag | None:
        """The last measurement."""
        ...

    def save_lag(self, lag: Lag) -> None:
        """Write a measurement."""
        ...
