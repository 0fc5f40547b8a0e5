"""The progress of rebuilds as items, written only by the run that the control row names."""

from __future__ import annotations

from itertools import chain
from typing import Final

import msgspec

from lambdas.eventsourcing.table_requests import ConditionFailedError
from lambdas.projections.dynamodb import table
from lambdas.projections.dynamodb.control import ControlItem, control_of, walks
from lambdas.projections.dynamodb.items import decoded, string, text_of
from lambdas.projections.dynamodb.requests import Requests, partition
from lambdas.projections.errors import ControlError, RebuildRunningError
from lambdas.projections.segments import Segment

_segments: Final = msgspec.json.Decoder(Segment)


class SegmentItems:
    """A Segments. What is read may raise CorruptItemError."""

    def __init__(self, requests: Requests, control: ControlItem) -> None:
        self._requests = requests
        self._control = control

    def all(self, generation: int) -> list[Segment]:
        """See Segments.all."""
        pages = self._requests.query(partition(table.segments_partition(generation)))
        return [decoded(item, table.PROGRESS, _segments) for page in pages for item in page]

    def load(self, generation: int, number: int) -> Segment | None:
        """See Segments.load."""
        item = self._requests.get(table.segment_key(generation, number))
        return None if item is None else decoded(item, table.PROGRESS, _segments)

    def save(self, segment: Segment) -> None:
        """See Segments.save.

        A save in doubt that arrives late may put the progress of the same run back a little: rows are walked twice.
        """
        item = table.segment_key(segment.generation, segment.number) | {table.PROGRESS: text_of(segment)}
        try:
            self._requests.transact([{"Put": {"Item": item}}, walks(segment.generation, segment.rebuild)])
        except ConditionFailedError as failed:
            found = failed.items.get(1)
            walking = (control_of(found) if found else self._control.read()).walking
            if walking is None or walking.generation != segment.generation:
                raise ControlError(f"No rebuild of generation {segment.generation} walks the event table.") from failed
            raise RebuildRunningError(walking.rebuild) from failed

    def drop(self, generation: int) -> None:
        """See Segments.drop."""
        names = (table.segments_partition(generation), table.deferred_partition(generation))
        pages = chain.from_iterable(self._requests.query(partition(name)) for name in names)
        for page in pages:
            self._requests.delete_all(
                {name: {"S": string(item, name)} for name in (table.HASH_KEY, table.RANGE_KEY)} for item in page
            )
