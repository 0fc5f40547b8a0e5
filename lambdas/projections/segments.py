"""The progress of a rebuild, segment by segment: what lets it go on wherever it was killed."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct


class Segment(Struct, frozen=True, kw_only=True):
    """One segment of the walk over the event table. `after` is the key of the last row that was folded (JSON text of
    `ExclusiveStartKey`); empty: at the beginning. Units are capacity units, summed over all runs.

    `event_table` is the table that was walked: a restore replaces it, and a key is a place in one table only.
    """

    generation: int
    number: int
    rebuild: str
    event_table: str = ""
    after: str = ""
    rows: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    done: bool = False


class Segments(Protocol):
    """The segments of one projection's rebuilds. Every method raises ReadModelUnavailableError."""

    def all(self, generation: int) -> list[Segment]:
        """Those with progress, in order, strongly consistent."""
        ...

    def load(self, generation: int, number: int) -> Segment | None:
        """One of them, strongly consistent; None: it has not begun."""
        ...

    def save(self, segment: Segment) -> None:
        """Write a segment's progress, in one transaction with a check that the control row names its `rebuild` as the
        one that is walking. Raises RebuildRunningError if another run has taken over, ControlError if none walks."""
        ...

    def drop(self, generation: int) -> None:
        """Remove the progress of a generation, and its deferred accounts."""
        ...
