"""Takes one batch of the stream: folds what is in it, and keeps the position of a batch that is wholly folded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from lambdas.projections.errors import ReadModelUnavailableError
from lambdas.projections.folding.taken import Taken
from lambdas.projections.lag import Position, Positions
from lambdas.projections.stream.deliveries import KinesisRecord, Reached, Unattributable, read_deliveries
from lambdas.projections.stream.projector import Taking


class Folds(Protocol):
    """What is needed of a `projector.Projector`."""

    def take(self, accounts: Mapping[str, list[Taken]], deadline: Deadline) -> Taking:
        """See Projector.take."""
        ...


class Consumed(Struct, frozen=True, kw_only=True):
    """What became of a batch. `unsaved` is why its position is not kept; empty: it is, or it must not be yet."""

    taking: Taking
    unattributable: list[Unattributable]
    ignored: int
    unsaved: str = ""

    @property
    def folded(self) -> bool:
        """Whether all of it is folded, or left to a rebuild or to a retry of stopped accounts."""
        return not (self.taking.waiting or self.taking.failed or self.unattributable)

    @property
    def complete(self) -> bool:
        """Whether the batch need not come again."""
        return self.folded and not self.unsaved


class StreamConsumer:
    """Takes the batches of all shards for one projection."""

    def __init__(self, projector: Folds, positions: Positions, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._projector = projector
        self._positions = positions
        self._clock = clock

    def take(self, records: Iterable[KinesisRecord], folding: Deadline, saving: Deadline) -> Consumed:
        """Fold a batch until the deadline `folding`; if all of it is folded, save its position until `saving`."""
        deliveries = read_deliveries(records)
        consumed = Consumed(
            taking=self._projector.take(deliveries.accounts, folding),
            unattributable=deliveries.unattributable,
            ignored=deliveries.ignored,
        )
        if not consumed.folded:
            return consumed
        try:
            self._save(deliveries.shards, saving)
        except (ReadModelUnavailableError, *FAILURES) as error:
            return replace(consumed, unsaved=str(error) or "no answer")
        return consumed

    def _save(self, shards: Mapping[str, Reached], deadline: Deadline) -> None:
        for shard, reached in shards.items():
            self._positions.save(
                Position(
                    shard=shard,
                    sequence_number=reached.sequence_number,
                    recordedtime=reached.recordedtime,
                    folded_at=format_timestamp(self._clock()),
                ),
                deadline,
            )
