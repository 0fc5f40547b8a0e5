"""A few who work on one account, in every order of their requests."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Building, Control, ControlRow
from lambdas.projections.folding import folder
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.memory import MemoryControlRow, MemoryReadModel, MemoryTable
from lambdas.projections.read_model import AccountRow, ReadModel
from lambdas.projections.stream.projector import Projector
from tests.support.event_rows import account_id
from tests.support.interleaving import Turnstile, explore, sample
from tests.support.projections.faults import RemoteControlRow, RemoteEvents, RemoteReadModel
from tests.support.projections.ledger import Ledger
from tests.support.projections.mutants import (
    RememberedControlRow,
    TrustingReadModel,
    UnconditionalReadModel,
    reads_before_it_goes_on,
)
from tests.support.projections.reference import added, flat
from tests.support.projections.samples import WIDE, wide_reference
from tests.support.runs import seeds

ACCOUNT = account_id(1)
BUILDING = Building(generation=2, rebuild="rebuild", segments=1, started_at="2026-03-01T12:00:00.000Z")
T = TypeVar("T")
Act = Callable[[], object]
Wrapped = Callable[[ControlRow], ControlRow]


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@dataclass
class Gated:
    """A network on which one of several goes on at a time."""

    turnstile: Turnstile

    def request(self, call: Callable[[], T], lost: Exception) -> T:
        """See Network.request."""
        self.turnstile.step()
        return call()


class Scene:
    """One account with five events; generation 1 is live."""

    def __init__(self, rows: Callable[[MemoryTable], ReadModel[Any]], control: Control) -> None:
        self.turnstile, self.table = Turnstile(), MemoryTable(control=control)
        self.ledger = Ledger(random.Random(3), currencies=("EUR",))
        for _ in range(5):
            self.ledger.append(ACCOUNT)
        self._rows = rows
        self.network = Gated(self.turnstile)

    @property
    def events(self) -> list[Any]:
        """What the table has now."""
        return self.ledger.table[ACCOUNT]

    def rows(self) -> RemoteReadModel:
        return RemoteReadModel(self._rows(self.table), self.network)

    def folder(self) -> AccountFolder[Any]:
        """Of a process of its own."""
        return AccountFolder(WIDE, self.rows(), RemoteEvents(self.ledger, self.network, 500))

    def projector(self, wrapped: Wrapped = lambda row: row) -> Projector[Any]:
        """Of a process of its own."""
        events = RemoteEvents(self.ledger, self.network, 500)
        return Projector(WIDE, self.rows(), wrapped(self.control()), events, workers=1)

    def control(self) -> RemoteControlRow:
        return RemoteControlRow(MemoryControlRow(self.table), self.network)

    def judge(self) -> None:
        """Every generation that takes events has each of them once."""
        for generation in self.table.control.generations:
            row = self.table.accounts[generation, ACCOUNT]
            assert (row.gate.version, row.gate.rowhash) == (len(self.events), self.events[-1].rowhash), row
            kept, totals = wide_reference(self.events)
            assert row.kept == kept
            shared = {key: each for (number, key), each in self.table.shared.items() if number == generation}
            assert flat(shared) == added([totals])


def two_projectors(
    executor: Executor, choose: Callable[[int], int], rows: Callable[[MemoryTable], ReadModel[Any]] = MemoryReadModel
) -> None:
    """Two have the same shard, cut in different places, and one of them has a gap."""
    scene = Scene(rows, Control(live=1, newest=1))
    one, two = scene.folder(), scene.folder()

    def first() -> None:
        one.take(1, ACCOUNT, scene.events[:3], Deadline())
        one.take(1, ACCOUNT, scene.events[3:], Deadline())

    scene.turnstile.run([first, lambda: two.take(1, ACCOUNT, scene.events[2:], Deadline())], executor, choose)
    scene.judge()


def live_and_walk(
    executor: Executor, choose: Callable[[int], int], rows: Callable[[MemoryTable], ReadModel[Any]] = MemoryReadModel
) -> None:
    """An event is folded live while a rebuild walks over its account, and ends; the event is not in the walk's page."""
    scene = Scene(rows, Control(live=1, building=BUILDING, newest=2))
    projector, walker = scene.projector(), scene.folder()
    page, newest = list(scene.events[:2]), scene.events[-1]
    projector.take({ACCOUNT: scene.events[:2]}, Deadline())
    scene.table.accounts.pop((2, ACCOUNT))  # as if the walk came first
    for key in [key for key in scene.table.shared if key[0] == 2]:
        del scene.table.shared[key]

    def walk() -> None:
        walker.take(2, ACCOUNT, page, Deadline())
        settle(scene, walker)

    scene.turnstile.run([lambda: projector.take({ACCOUNT: [newest]}, Deadline()), walk], executor, choose)
    scene.judge()


def settle(scene: Scene, walker: AccountFolder[Any]) -> None:
    """What a rebuild ends with."""
    rows, control = scene.rows(), scene.control()
    before = control.read()
    control.change(before, before.settling("rebuild"))
    for account in rows.deferred(2):
        walker.catch_up(2, account, Deadline())
        rows.undefer(2, account)
    settling = control.read()
    control.change(settling, settling.built("rebuild"))


def start_and_deliver(executor: Executor, choose: Callable[[int], int], wrapped: Wrapped = lambda row: row) -> None:
    """A rebuild starts while events are recorded and delivered; it walks once, and only live events come after that."""
    scene = Scene(MemoryReadModel, Control(live=1, newest=1))
    projector, walker = scene.projector(wrapped), scene.folder()
    projector.take({ACCOUNT: scene.events}, Deadline())

    def deliver() -> None:
        scene.turnstile.step()
        projector.take({ACCOUNT: [scene.ledger.append(ACCOUNT)]}, Deadline())

    def rebuild() -> None:
        control = scene.control()
        before = control.read()
        control.change(before, before.started("rebuild", segments=1, at="2026-03-01T12:00:00.000Z"))
        scene.turnstile.step()
        walker.take(2, ACCOUNT, list(scene.events), Deadline())
        settle(scene, walker)

    scene.turnstile.run([deliver, rebuild], executor, choose)
    scene.judge()


def retry_and_deliver(executor: Executor, choose: Callable[[int], int]) -> None:
    """A stopped account is retried while its next event comes, and is ignored as long as it is stopped."""
    scene = Scene(MemoryReadModel, Control(live=1, newest=1))
    folder_, projector = scene.folder(), scene.projector()
    folder_.take(1, ACCOUNT, scene.events[:2], Deadline())
    row: AccountRow[Any] = scene.table.accounts[1, ACCOUNT]
    scene.table.accounts[1, ACCOUNT] = replace(row, gate=replace(row.gate, stopped="Event 3 cannot be folded."))

    def deliver() -> None:
        scene.turnstile.step()
        scene.projector().take({ACCOUNT: [scene.ledger.append(ACCOUNT)]}, Deadline())

    scene.turnstile.run([deliver, lambda: projector.retry([ACCOUNT], Deadline())], executor, choose)
    scene.judge()


@pytest.mark.parametrize("scene", [two_projectors, retry_and_deliver], ids=lambda scene: scene.__name__)
def test_in_every_order(scene: Callable[[Executor, Callable[[int], int]], None], executor: Executor) -> None:
    assert explore(lambda choose: scene(executor, choose)) > 50


@pytest.mark.generated
@pytest.mark.parametrize("gap", [1, 500])
@pytest.mark.parametrize("scene", [live_and_walk, start_and_deliver], ids=lambda scene: scene.__name__)
def test_in_many_orders(
    scene: Callable[[Executor, Callable[[int], int]], None],
    gap: int,
    executor: Executor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(folder, "MOST_FILLED_GAP", gap)
    sample(lambda choose: scene(executor, choose), seeds(check=50, test=400, soak=20_000))


class TestMutants:
    """What the seeded runs seldom meet is found here, and what they find, too."""

    @pytest.fixture(autouse=True)
    def _small_gaps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(folder, "MOST_FILLED_GAP", 1)

    def test_the_condition_is_dropped(self, executor: Executor) -> None:
        with pytest.raises(AssertionError):
            explore(lambda choose: two_projectors(executor, choose, UnconditionalReadModel))

    def test_an_account_is_left_to_a_rebuild_without_the_check(self, executor: Executor) -> None:
        with pytest.raises(AssertionError):
            explore(lambda choose: live_and_walk(executor, choose, TrustingReadModel))

    def test_the_walk_starts_before_projectors_fold_for_the_generation(self, executor: Executor) -> None:
        with pytest.raises(AssertionError):
            explore(lambda choose: start_and_deliver(executor, choose, RememberedControlRow))

    def test_the_newest_events_are_read_before_an_account_goes_on(
        self, executor: Executor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reads_before_it_goes_on(monkeypatch)
        with pytest.raises(AssertionError):
            explore(lambda choose: retry_and_deliver(executor, choose))
