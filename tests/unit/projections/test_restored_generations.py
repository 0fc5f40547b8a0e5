"""A generation that begins after a restore knows what was revoked: it may be delivered again, whenever."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Control
from lambdas.projections.errors import ReadModelUnavailableError
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.folding.taken import Taken
from lambdas.projections.memory import MemoryControlRow, MemoryReadModel, MemorySegments, MemoryTable
from lambdas.projections.rebuild import Rebuild, WalkStep
from lambdas.projections.stream.projector import Projector
from tests.support.event_rows import account_id
from tests.support.projections.judging import Judge
from tests.support.projections.ledger import Ledger
from tests.support.projections.samples import SAMPLES, Sample
from tests.support.projections.walking import LedgerWalk, Run

T = TypeVar("T")
ACCOUNT, OTHER = account_id(1), account_id(2)


class Direct:
    """A network on which nothing happens."""

    def request(self, call: Callable[[], T], lost: Exception) -> T:
        return call()


class Place:
    """A read model, nothing of which is built, and a ledger of two accounts with six events."""

    def __init__(self, sample: Sample) -> None:
        self.table, self.ledger = MemoryTable(), Ledger(random.Random(3), currencies=["EUR"])
        self.rows: MemoryReadModel[Any] = MemoryReadModel(self.table)
        self.control = MemoryControlRow(self.table)
        self.projector: Projector[Any] = Projector(sample.projection, self.rows, self.control, self.ledger, workers=1)
        self.folder: AccountFolder[Any] = AccountFolder(sample.projection, self.rows, self.ledger)
        self.judge = Judge(self.table, self.ledger, sample.reference)
        self.published = {each: [self.ledger.append(each) for _ in range(6)] for each in (ACCOUNT, OTHER)}

    def deliver(self, *events: Taken) -> None:
        assert not self.projector.take({ACCOUNT: events}, Deadline()).waiting

    def restore(self, last_good_version: int) -> None:
        self.ledger.restore(ACCOUNT, last_good_version)
        self.deliver(self.ledger.announce(ACCOUNT))

    def start(self) -> Run:
        control = self.control.read()
        self.control.change(control, control.started("rebuild", segments=2, at="2026-03-01T12:00:00.000Z"))
        return Run(control.newest + 1, "rebuild", 2)

    def rebuild(self, event_table: str) -> Rebuild[Any]:
        """The function that rebuilds, as it is deployed for an event table."""
        walk, segments = LedgerWalk(lambda: self.ledger, Direct(), random.Random(5), rows=4), MemorySegments(self.table)
        return Rebuild(walk, self.folder, self.rows, self.control, segments, event_table=event_table, workers=1)

    def finish(self, run: Run, event_table: str = "events") -> None:
        rebuild = self.rebuild(event_table)
        while not run.step(rebuild, random.Random(1), Deadline(), Deadline()):
            pass

    def build(self) -> None:
        self.finish(self.start())


each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=[each.projection.name for each in SAMPLES])


@each_sample
@pytest.mark.parametrize("last_good", [0, 4])
@pytest.mark.parametrize("live", [True, False])
def test_what_was_revoked_before_it_began_does_not_count(sample: Sample, last_good: int, live: bool) -> None:
    place = Place(sample)
    if live:
        place.build()
    place.restore(last_good)
    place.build()
    generation = place.control.read().newest
    place.deliver(*place.published[ACCOUNT][last_good:])
    place.judge.when_new(generation)
    place.deliver(place.ledger.append(ACCOUNT))
    place.judge.when_new(generation)


@each_sample
def test_a_restore_that_is_delivered_while_a_generation_begins_is_known_in_it(sample: Sample) -> None:
    """The projector has read the control row before, and writes into the live generation after the rebuild's end."""
    place = Place(sample)
    place.build()
    read, meanwhile = place.control.read, [place.build]

    def control() -> Control:
        before = read()
        if meanwhile:
            meanwhile.pop()()
        return before

    place.control.read = control  # type: ignore[method-assign]
    place.restore(4)
    place.deliver(*place.published[ACCOUNT][4:])
    place.judge.when_new(2)


@each_sample
def test_a_walk_that_was_begun_before_a_restore_does_not_join_two_histories(sample: Sample) -> None:
    """Four events are walked. Then two of them are revoked, four others follow, and the announcement is late.

    The place after the four is that of the third new event, which by its version would be next.
    """
    place = Place(sample)
    run = place.start()
    step = WalkStep(run.generation, run.rebuild, int(ACCOUNT[-2:], 16) % 2, 2)
    assert not place.rebuild("events").walk(step, Deadline(0), Deadline()).done
    place.ledger.restore(ACCOUNT, 2)
    announced = place.ledger.announce(ACCOUNT)
    follow = [place.ledger.append(ACCOUNT) for _ in range(4)]
    place.finish(run, "events-restored")
    place.deliver(announced, *follow)
    stopped = place.judge.at_rest(1, set())
    assert stopped == place.rows.load(1, ACCOUNT, Deadline()).gate.added, "totals cannot take back what they hold"


def test_a_note_that_is_not_taken_lets_the_batch_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(SAMPLES[0])
    place.build()

    def fails(*_: object) -> None:
        raise ReadModelUnavailableError("no answer")

    monkeypatch.setattr(place.rows, "note_restore", fails)
    place.ledger.restore(ACCOUNT, 4)
    taking = place.projector.take({ACCOUNT: [place.ledger.announce(ACCOUNT)]}, Deadline())
    assert (taking.waiting, taking.failed) == ((ACCOUNT,), "no answer")
