"""A ledger with a read model in memory, rebuilds of it that die at any request, and what the read model must be."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lambdas.contracts.domain_events import AccountDomainEvent, domain_event
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.dynamodb_items import item_to_row, row_to_item
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.table_walk import DynamoDBTableWalk, TableWalk, WalkedPage, pages
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.folding.taken import Taken, UnreadableEvent
from lambdas.projections.memory import MemoryAccounts, MemoryControlRow, MemoryReadModel, MemorySegments, MemoryTable
from lambdas.projections.projection import AnyProjection
from lambdas.projections.rebuild import Done, Rebuild, SettleStep, WalkStep
from lambdas.projections.stream.projector import Projector
from tests.support.bank import Order, Recorder, new_bank
from tests.support.clocks import TickingClock, Ticks
from tests.support.dynamodb_tables import KEYS
from tests.support.fake_scan import ScannedDynamoDB
from tests.support.read_models import Ports

EVENTS, RECEIPTS = "events", "receipts"
AT = "2026-03-01T12:00:00.000Z"
NO_WAITING = Backoff(sleep=lambda _: None)


class KilledError(BaseException):
    """The process ends here: nothing catches it."""


class Power:
    """What all requests of a process need. It fails at request number `dies_at`, before or after it takes effect."""

    def __init__(self, dies_at: int | None = None, *, after: bool = False) -> None:
        self._dies_at = dies_at
        self._after = after
        self._lock = threading.Lock()
        self._off = False
        self.requests = 0
        self.meanwhile: Callable[[], object] = lambda: None

    def send(self, request: Callable[[], Any]) -> Any:
        """Carry a request out. Raises KilledError from the end of the process on."""
        self.meanwhile()
        with self._lock:
            if self._off:
                raise KilledError
            self.requests += 1
            self._off = self.requests == self._dies_at
            dies = self._off
        if dies and not self._after:
            raise KilledError
        result = request()
        if dies:
            raise KilledError
        return result


class Powered:
    """A port of a process: every call is a request, but for those of `free`."""

    def __init__(self, port: Any, power: Power, free: Sequence[str] = ("units", "lock")) -> None:
        self._port = port
        self._power = power
        self._free = free

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name in self._free or not callable(found):
            return found
        return lambda *args, **options: self._power.send(lambda: _whole(found(*args, **options)))


def _whole(result: Any) -> Any:
    """An iterator's requests are sent when its items are asked for: here at once."""
    return iter(list(result)) if isinstance(result, Iterator) else result


class ShuffledWalk:
    """Deals the rows that a walk had at the beginning to the segments at random, in pages of any size."""

    def __init__(self, walk: TableWalk, segments: int, rng: random.Random) -> None:
        rows = [each for segment in range(segments) for page in pages(walk, segment, segments) for each in page.rows]
        rng.shuffle(rows)
        self._hands = [rows[segment::segments] for segment in range(segments)]
        self._rng = rng

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> WalkedPage:
        """See TableWalk.page."""
        start = int(after or "0")
        end = start + self._rng.randint(0, 12)  # an empty page may have a continuation
        hand = self._hands[segment]
        return WalkedPage(hand[start:end], str(end) if end < len(hand) else "", 1.0)


@dataclass
class Ledger:
    """An event table, with what reads it."""

    client: Any = field(default_factory=lambda: ScannedDynamoDB({each: KEYS[each] for each in (EVENTS, RECEIPTS)}))
    clock: Callable[[], Any] = field(default_factory=TickingClock)

    def __post_init__(self) -> None:
        self.store = DynamoDBEventStore(self.client, event_table=EVENTS, receipt_table=RECEIPTS, backoff=NO_WAITING)
        self.bank = new_bank(self.store, self.clock)
        self.reader = DomainEventReader(self.store, backoff=NO_WAITING)
        self.walk = self.walk_in_pages_of(500)

    def walk_in_pages_of(self, rows: int) -> DynamoDBTableWalk:
        """A walk with a page size of its own."""
        return DynamoDBTableWalk(self.client, event_table=EVENTS, page_rows=rows, backoff=NO_WAITING)

    def put(self, rows: Iterable[EventRow | Mapping[str, Any]]) -> None:
        """Put rows, or items, that no command wrote."""
        for each in rows:
            self.client.tables[EVENTS].put(dict(each) if isinstance(each, Mapping) else row_to_item(each))

    def histories(self) -> dict[str, list[AccountDomainEvent]]:
        """All events of each account."""
        table = self.client.tables[EVENTS]
        return {
            account: [domain_event(item_to_row(item)) for item in table.between(account, None, None)]
            for account in table.partitions
        }


@dataclass
class World:
    """A ledger and one projection's read model, in memory or behind other ports."""

    projection: AnyProjection
    ledger: Ledger = field(default_factory=Ledger)
    table: MemoryTable = field(default_factory=MemoryTable)
    ports: Ports | None = None

    def __post_init__(self) -> None:
        ports = self.ports
        self.rows: Any = ports.rows if ports else MemoryReadModel(self.table)
        self.control: Any = ports.control if ports else MemoryControlRow(self.table)
        self.segments: Any = ports.segments if ports else MemorySegments(self.table)
        self.accounts = MemoryAccounts(self.table)
        self.projector: Projector[Any] = Projector(
            self.projection, self.rows, self.control, self.ledger.reader, workers=1
        )

    def process(self, power: Power | None = None, *, walk: TableWalk | None = None, workers: int = 1) -> Rebuild[Any]:
        """What rebuilds, in a process of its own."""
        power = power or Power()
        rows = Powered(self.rows, power)
        folder: AccountFolder[Any] = AccountFolder(self.projection, rows, Powered(self.ledger.reader, power))
        return Rebuild(
            Powered(walk or self.ledger.walk, power),
            folder,
            rows,
            Powered(self.control, power),
            Powered(self.segments, power),
            workers=workers,
        )

    def start(self, rebuild: str = "first", *, segments: int = 2) -> int:
        """Begin a generation, as an operator does; gives its number."""
        control = self.control.read()
        self.control.change(control, control.started(rebuild, segments=segments, at=AT))
        return int(self.control.read().building.generation)

    def take_over(self, rebuild: str) -> None:
        """Another run goes on with the rebuild."""
        control = self.control.read()
        self.control.change(control, control.taken_over(rebuild))

    def run(
        self, process: Rebuild[Any], rebuild: str = "first", *, generation: int = 1, segments: int = 2
    ) -> list[Done]:
        """All steps to the end, as the state machine repeats them."""
        steps: list[Done] = []
        for segment in range(segments):
            step = WalkStep(generation=generation, rebuild=rebuild, segment=segment, segments=segments)
            steps += _until_done(lambda step=step: process.walk(step, Deadline(), Deadline()))  # type: ignore[misc]
        settle = SettleStep(generation=generation, rebuild=rebuild)
        return steps + _until_done(lambda: process.settle(settle, Deadline(), Deadline()))

    def deliver(self, events: Iterable[Taken]) -> None:
        """Hand events to the projector, as one batch of the stream."""
        batch: defaultdict[str, list[Taken]] = defaultdict(list)
        for each in events:
            batch[each.account_id if isinstance(each, UnreadableEvent) else each.subject].append(each)
        taking = self.projector.take(batch, Deadline())
        assert not taking.waiting, taking

    def assert_equals_fold(self, generation: int = 1) -> None:
        """The generation is the fold of all events of all accounts, neither more nor less."""
        kept, shared = whole_fold(self.projection, self.ledger.histories())
        found = self.rows.rows(generation, kept)
        assert self.ports is not None or len([each for each in self.table.accounts if each[0] == generation]) == len(
            kept
        )
        assert {account: (row.gate.version, row.kept) for account, row in found.items()} == kept
        assert not [row for row in found.values() if row.gate.stopped]
        assert _nonzero(self.rows.shared_rows(generation, "\x00", "\U0010ffff")) == _nonzero(shared)


def whole_fold(
    projection: AnyProjection, histories: Mapping[str, Sequence[AccountDomainEvent]]
) -> tuple[dict[str, tuple[int, Any]], dict[str, dict[str, int]]]:
    """What a read model must hold: version and what is kept by account, and the shared rows."""
    kept: dict[str, tuple[int, Any]] = {}
    shared: dict[str, dict[str, int]] = {}
    for account, events in histories.items():
        state = None
        for event in events:
            folded = projection.fold(state, event)
            state = folded.kept
            for key, measures in folded.additions.items():
                row = shared.setdefault(key, {})
                for measure, amount in measures.items():
                    row[measure] = row.get(measure, 0) + amount
        kept[account] = (len(events), state)
    return kept, shared


def send(ledger: Ledger, orders: Iterable[Order]) -> None:
    """Let clients send orders; some are refused."""
    recorder = Recorder(Ticks())
    for order in orders:
        recorder.send(ledger.bank, order)


def _until_done(step: Callable[[], Done]) -> list[Done]:
    steps = [step()]
    while not steps[-1].done:
        assert len(steps) < 1000, "the steps come to no end"
        steps.append(step())
    return steps


def _nonzero(rows: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    whole = {key: {name: amount for name, amount in row.items() if amount} for key, row in rows.items()}
    return {key: row for key, row in whole.items() if row}
