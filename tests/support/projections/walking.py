"""Runs of a rebuild, a step at a time, as its state machine makes them: on rows that a ledger has."""

from __future__ import annotations

import random
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.table_walk import WalkedPage
from lambdas.projections.folding.taken import Delivered, UnreadableEvent
from lambdas.projections.rebuild import Rebuild, SettleStep, WalkStep
from tests.support.projections.faults import Network, Scanned, unread


class LedgerWalk:
    """A TableWalk over what a ledger has; pages hold few rows, in no order."""

    def __init__(self, scan: Callable[[], Scanned], network: Network, rng: random.Random, rows: int) -> None:
        """`scan` raises ReadUnavailableError if the table was replaced."""
        self._scan = scan
        self._network = network
        self._rng = rng
        self._rows = rows

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> WalkedPage:
        """See TableWalk.page."""
        found, following = self._network.request(
            lambda: self._scan().page(segment, segments, after, self._rows), unread()
        )
        self._rng.shuffle(found)
        return WalkedPage(rows=[event_row(each) for each in found], after=following, read_units=1.0)


@dataclass
class Run:
    """An execution of the state machine: it knows its input, and which segments are done."""

    generation: int
    rebuild: str
    segments: int
    done: set[int] = field(default_factory=set)

    def step(self, rebuild: Rebuild[Any], rng: random.Random, begin: Deadline, end: Deadline) -> bool:
        """One function; gives whether the rebuild is done. Raises as the steps of Rebuild do."""
        left = [each for each in range(self.segments) if each not in self.done]
        if not left:
            return rebuild.settle(SettleStep(self.generation, self.rebuild), begin, end).done
        segment = rng.choice(left)
        if rebuild.walk(WalkStep(self.generation, self.rebuild, segment, self.segments), begin, end).done:
            self.done.add(segment)
        return False


def event_row(event: Delivered) -> EventRow:
    """The row of an event; of one that cannot be read it has a type that nobody knows."""
    if isinstance(event, UnreadableEvent):
        account, kind, data = event.account_id, "NobodyKnows", "{}"
    else:
        account, kind, data = event.subject, type(event.data).__name__, msgspec.json.encode(event.data).decode()
    return EventRow(
        stream_id=account,
        version=event.streamversion,
        commit_id="commit",
        type=kind,
        schema=1,
        data=data,
        metadata='{"command_id":"command","correlation_id":"request","actor":"tester"}',
        occurred_at=event.recordedtime,
        recorded_at=event.recordedtime,
        hash=b64decode(event.rowhash),
    )
