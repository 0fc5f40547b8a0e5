"""Projectors, a rebuild and operators at work on one read model in a world where everything fails, in one thread.

What AWS allows, and so happens here: batches are cut anywhere, and cut anew when they come again; a stream is read
again from an earlier place; a container that was given up still works while another one has its batch; any request is
lost, or its answer is; a process ends between any two requests; between two requests of the one who acts others act.

After every write the rows must be folds of prefixes: each account's of the history that its gate names, and shared
rows of all of these together.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import TypeVar

from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.contracts.ledger_events import LedgerEvent, RestoredEvent
from lambdas.eventsourcing.errors import StoreUnavailableError
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Control
from lambdas.projections.errors import (
    ControlChangedError,
    ControlError,
    NotBuiltError,
    ReadModelUnavailableError,
    RebuildRunningError,
)
from lambdas.projections.folding.taken import Taken
from lambdas.projections.memory import MemoryControlRow, MemoryTable
from tests.support.clocks import SimulatedTime
from tests.support.event_rows import account_id
from tests.support.projections.containers import Container, Parts
from tests.support.projections.faults import (
    CrashError,
)
from tests.support.projections.judging import Judge
from tests.support.projections.ledger import Ledger
from tests.support.projections.samples import Sample
from tests.support.projections.walking import Run

T = TypeVar("T")
DEEPEST = 2
"""So many interrupt each other at a time."""


class World:
    """One run. `rng` decides everything."""

    def __init__(self, rng: random.Random, sample: Sample, parts: Parts | None = None) -> None:
        self.rng, self.sample, self.parts = rng, sample, parts or Parts()
        self.time = SimulatedTime()
        self.table = MemoryTable()
        self.ledger = Ledger(rng)
        self.judge = Judge(self.table, self.ledger, sample.reference)
        self.ids = [account_id(number) for number in range(rng.randint(1, 4))]
        self.poison: set[str] = set()
        self.stream: list[AccountDomainEvent | RestoredEvent] = []
        self.position = 0
        self.page = rng.choice((1, 2, 5))
        self.trouble = rng.choice((0.0, 0.03, 0.15))
        self.interruptions = rng.choice((0.0, 0.05, 0.2))
        self.mishaps = rng.random() < 0.7
        """Whether events are poisoned, and the ledger is restored."""
        self.seconds = rng.choice((5.0, 30.0))
        self.delays: tuple[float, ...] = (0.01, 0.3)
        """How many seconds a request takes."""
        self.counted: Counter[str] = Counter()
        self.runs: list[Run] = []
        self._retried: set[str] = set()
        """Accounts of which nobody knows whether they go on."""
        self._rewritten: set[str] = set()
        self._floor = 0
        """Before this place the stream is not read again."""
        self._rebuilds = 0
        self._depth = 0
        self.containers = [Container(self), Container(self)]

    # --- what carries requests

    def request(self, call: Callable[[], T], lost: Exception) -> T:
        """See Network.request."""
        self._meanwhile()
        self.time.sleep(self.rng.choice(self.delays))
        fate = "answered"
        if self.rng.random() < self.trouble:
            fate = self.rng.choice(("lost", "answer lost", "crash before", "crash after"))
            self.counted[fate] += 1
        self._suffer(fate, "lost", "crash before", lost)
        answer = call()
        self._suffer(fate, "answer lost", "crash after", lost)
        return answer

    def _suffer(self, fate: str, losing: str, crashing: str, lost: Exception) -> None:
        if fate == losing:
            raise lost
        if fate == crashing:
            raise CrashError

    def _meanwhile(self) -> None:
        if self._depth < DEEPEST and self.rng.random() < self.interruptions:
            self.counted["meanwhile"] += 1
            for _ in range(self.rng.choice((1, 1, 2, 8))):
                self.act()

    # --- what happens

    def act(self, action: Callable[[Container], None] | None = None) -> None:
        """Somebody does something, anything unless it is said; whoever ends in it is started anew."""
        self._depth += 1
        container = self.rng.randrange(len(self.containers))
        try:
            (action or self._choose())(self.containers[container])
        except CrashError:
            self.counted["crashed"] += 1
            self.containers[container] = Container(self)
        except (ReadModelUnavailableError, StoreUnavailableError, ControlChangedError, NotBuiltError):
            self.counted["failed"] += 1
        finally:
            self._depth -= 1

    def _choose(self) -> Callable[[Container], None]:
        often = [self.record] * 6 + [self.deliver] * 8 + [self.walk] * 24
        seldom = [self.start_rebuild, self.switch, self.switch, self.roll_back, self.rewind, self.replay]
        seldom += [self.take_over, self.drop] if self.rng.random() < 0.2 else []
        mishaps = [self.retry, self.restore, self.rewrite, self.announce, self.announce] if self.mishaps else []
        return self.rng.choice(often + seldom + mishaps)

    def record(self, container: Container | None = None) -> None:
        """Some events are recorded, and published."""
        account = self.rng.choice(self.ids)
        if account in self.ledger.restoring:
            return
        for _ in range(self.rng.choice((1, 1, 2, 9))):
            event = self.ledger.append(account)
            self.stream.append(event)
            if self.mishaps and self.rng.random() < 0.02:
                self.rng.choice((self.poison, self.ledger.unreadable)).add(event.id)

    def deliver(self, container: Container) -> None:
        """A batch of the stream comes to a projector; when it is through, the next one will."""
        begin = self.position
        batch = self.stream[begin : begin + self.rng.choice((1, 3, 20))]
        if not batch:
            return
        accounts: defaultdict[str, list[Taken]] = defaultdict(list)
        for event in self.rng.sample(batch, len(batch)):
            accounts[event.subject].append(self._as_read(event))
        taking = container.projector.take(accounts, Deadline(self.seconds, self.time.monotonic))
        self.counted["stopped"] += len(taking.stopped)
        self.counted["deferred"] += taking.deferred
        self.counted["waited"] += bool(taking.waiting) and not taking.failed
        if not taking.waiting:
            self.position = max(self.position, begin + len(batch))

    def rewind(self, container: Container) -> None:
        """The stream is read again from an earlier place."""
        self.position = max(self._floor, self.position - self.rng.choice((1, 5, 50)))
        self.counted["rewound"] += 1

    def replay(self, container: Container) -> None:
        """A dead letter comes again: events of before, without what was announced since."""
        before = [each for each in self.stream[self._floor : self.position] if not isinstance(each, LedgerEvent)]
        if before:
            event = self.rng.choice(before)
            self.counted["replayed"] += 1
            container.projector.take(
                {event.subject: [self._as_read(event)]}, Deadline(self.seconds, self.time.monotonic)
            )

    def walk(self, container: Container) -> None:
        """A run of a rebuild goes on, in any container."""
        if not self.runs:
            return
        run = self.rng.choice(self.runs)
        if self.rng.random() < 0.02:
            run.done.clear()  # an execution is started again
        try:
            if self._step(run, container):
                self.runs = [each for each in self.runs if each is not run]
        except ControlError:
            self.counted["run ended"] += 1
            self.runs = [each for each in self.runs if each is not run]

    def _step(self, run: Run, container: Container) -> bool:
        begin = Deadline(self.rng.choice((0.0, self.seconds)), self.time.monotonic)
        return run.step(container.rebuild(), self.rng, begin, Deadline(self.seconds, self.time.monotonic))

    def start_rebuild(self, container: Container) -> None:
        """An operator starts a rebuild."""
        control = container.control.read()
        self._rebuilds += 1
        rebuild, segments = f"rebuild-{self._rebuilds}", self.rng.choice((1, 3))
        try:
            after = control.started(rebuild, segments=segments, at="2026-03-01T12:00:00.000Z")
        except RebuildRunningError as error:
            by_name = control.building is not None and control.building.rebuild == error.rebuild
            self.counted["refused by name" if by_name else "refused"] += 1
            return
        except ControlError:
            return
        self.counted["rebuilds"] += 1
        self.runs.append(Run(after.newest, rebuild, segments))  # also if the answer is lost, it may have begun
        container.control.change(control, after)

    def take_over(self, container: Container) -> None:
        """An operator takes a run for dead."""
        self._rebuilds += 1
        rebuild = f"rebuild-{self._rebuilds}"
        if self._changed(container, lambda control: control.taken_over(rebuild), by=rebuild):
            self.counted["taken over"] += 1

    def switch(self, container: Container) -> None:
        """An operator lets the generation that was built be read."""
        self.counted["switched"] += self._changed(container, Control.switched)

    def roll_back(self, container: Container) -> None:
        """An operator lets the generation before be read again."""
        self.counted["rolled back"] += self._changed(container, Control.rolled_back)

    def drop(self, container: Container) -> None:
        """An operator drops the generation beside the live one."""
        self.counted["dropped"] += self._changed(container, Control.dropped)

    def retry(self, container: Container) -> None:
        """An operator lets stopped accounts go on, maybe with a release that knows what they were stopped by."""
        if self.rng.random() < 0.3:
            self.poison.clear()
            self.ledger.unreadable.clear()
        self._retried.update(self.ids)  # whoever hears of a failure tries again, at the latest in the end
        if container.control.read().generations:
            container.projector.retry(self.ids, Deadline(self.seconds, self.time.monotonic))
            self._retried.clear()

    def restore(self, container: Container | None = None) -> None:
        """The table is restored for an account; until that is announced, nothing is recorded for it."""
        account = self.rng.choice(self.ids)
        rows = self.ledger.table.get(account, [])
        if rows and account not in self.ledger.restoring:
            self.ledger.restore(account, self.rng.randint(max(0, len(rows) - 6), len(rows) - 1))
            self.counted["restored"] += 1

    def rewrite(self, container: Container | None = None) -> None:
        """An account gets another history, and nobody says so.

        What is folded already shows it. Of events on their way, and of a walk, nobody could tell which history they are
        of: so there are none.
        """
        if self._depth > 1 or self.position < len(self.stream) or self.table.control.walking or self.ledger.restoring:
            return
        self.restore()
        self._floor = len(self.stream)
        for account in list(self.ledger.restoring):
            del self.ledger.restoring[account]
            self._rewritten.add(account)
            self.stream.append(self.ledger.append(account))
            self.counted["rewritten"] += 1

    def announce(self, container: Container | None = None) -> None:
        """Restores are announced."""
        for account in list(self.ledger.restoring):
            self.stream.append(self.ledger.announce(account))

    def _as_read(self, event: AccountDomainEvent | RestoredEvent) -> Taken:
        return event if isinstance(event, LedgerEvent) else self.ledger.published(event)

    def _changed(self, container: Container, change: Callable[[Control], Control], by: str = "") -> bool:
        control = container.control.read()
        try:
            after = change(control)
        except ControlError:
            return False
        if by and after.building is not None:
            self.runs.append(Run(after.newest, by, after.building.segments))
        container.control.change(control, after)
        return True

    # --- how it ends

    def rest(self) -> None:
        """Everything that is on its way arrives, nothing goes wrong any more, and what stopped accounts is mended."""
        self.trouble, self.interruptions, self.mishaps, self.delays = 0.0, 0.0, False, (0.001,)
        self.announce()
        self.poison.clear()
        self.ledger.unreadable.clear()
        calm = Container(self)
        self._deliver_all()
        self._finish_rebuild(calm)
        self._retry_all(calm)
        self._judge_rest()
        for _ in range(3):
            self.record()
            self._deliver_all()
        self._judge_rest()
        if self.table.control.live and (self.table.control.previous or self.table.control.building):
            MemoryControlRow(self.table).change(self.table.control, self.table.control.dropped())
        self.start_rebuild(calm)
        self._finish_rebuild(calm)
        self.judge.when_new(max(self.table.control.generations))
        self._replay_all(calm)
        self.judge.when_new(max(self.table.control.generations))

    def _replay_all(self, container: Container) -> None:
        for event in self.stream[self._floor :]:
            if not isinstance(event, LedgerEvent):
                container.projector.take({event.subject: [event]}, Deadline(self.seconds, self.time.monotonic))

    def _deliver_all(self) -> None:
        for _ in range(10_000):
            if self.position == len(self.stream):
                return
            self.deliver(self.rng.choice(self.containers))
        raise AssertionError("the stream does not come to its end")

    def _finish_rebuild(self, container: Container) -> None:
        run = None
        for _ in range(10_000):
            building = self.table.control.building
            if building is None or building.state == "built":
                return
            run = run or Run(building.generation, building.rebuild, building.segments)
            self._step(run, container)
        raise AssertionError("the rebuild does not come to its end")

    def _retry_all(self, container: Container) -> None:
        generations = self.table.control.generations
        stopped = {row.account_id for each in generations for row in container.rows.stopped(each)}
        waiting = sorted(stopped | self._retried) if generations else []
        for _ in range(1_000):
            if not waiting:
                return
            try:
                container.projector.retry(waiting[:1], Deadline(self.seconds, self.time.monotonic))
            except ReadModelUnavailableError:
                continue
            waiting.pop(0)
        raise AssertionError("a stopped account never comes to an end")

    def _judge_rest(self) -> None:
        for generation in self.table.control.generations:
            self.counted["stopped for good"] += self.judge.at_rest(generation, self._rewritten)
