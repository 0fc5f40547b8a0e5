"""A batch goes into every generation that takes events, the live one first; what it says of what it did."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Building, Control
from lambdas.projections.errors import NotBuiltError, ReadModelUnavailableError
from lambdas.projections.folding import folder
from lambdas.projections.folding.taken import Taken
from lambdas.projections.memory import MemoryControlRow, MemoryReadModel, MemoryTable
from lambdas.projections.read_model import AccountRow
from lambdas.projections.stream.projector import Projector, Stopped
from tests.support.clocks import SimulatedTime
from tests.support.event_rows import account_id
from tests.support.projections.counting import Counting
from tests.support.projections.ledger import Ledger
from tests.support.projections.samples import WIDE, poisoned_by

A, B, C = ACCOUNTS = [account_id(number) for number in (1, 2, 3)]
ALL = Control(
    live=2,
    previous=1,
    building=Building(generation=3, rebuild="rebuild", segments=1, started_at="2026-03-01T12:00:00.000Z"),
    newest=3,
)


class Place:
    """A table with its control row, a ledger of three accounts with five events, and a projector."""

    def __init__(
        self, control: Control = ALL, *, workers: int = 4, rows: type[MemoryReadModel[Any]] | None = None
    ) -> None:
        self.table, self.calls = MemoryTable(control=control), Counter[str]()
        self.ledger, self.poison = Ledger(random.Random(4)), set[str]()
        for account in ACCOUNTS * 5:
            self.ledger.append(account)
        port = Counting((rows or MemoryReadModel)(self.table), self.calls)
        row = Counting(MemoryControlRow(self.table), self.calls)
        events = Counting(self.ledger, self.calls)
        self.projector: Projector[Any] = Projector(poisoned_by(WIDE, self.poison), port, row, events, workers=workers)

    def batch(self, *versions: int, accounts: Sequence[str] = ACCOUNTS) -> dict[str, list[Taken]]:
        return {each: [self.ledger.table[each][version - 1] for version in versions] for each in accounts}

    def versions(self, generation: int) -> list[int]:
        rows = self.table.accounts
        return [rows.get((generation, each), AccountRow(each)).gate.version for each in ACCOUNTS]


@pytest.mark.parametrize("workers", [1, 4])
def test_every_generation_takes_events(workers: int) -> None:
    place = Place(workers=workers)
    taking = place.projector.take(place.batch(1, 2), Deadline())
    assert (taking.live, taking.folded, taking.waiting, taking.stopped, taking.failed) == (2, 6, (), (), "")
    assert [place.versions(generation) for generation in (1, 2, 3)] == [[2, 2, 2]] * 3


def test_without_a_generation_nothing_is_folded() -> None:
    place = Place(Control())
    taking = place.projector.take(place.batch(1, 2), Deadline())
    assert (taking.live, taking.folded, taking.waiting) == (0, 0, ())
    assert place.calls == {"read": 1}
    with pytest.raises(NotBuiltError):
        place.projector.retry([A], Deadline())


def test_the_live_one_of_all_accounts_comes_first_then_the_one_that_is_built() -> None:
    order: list[int] = []

    class Recording(MemoryReadModel[Any]):
        def save(self, generation: int, *given: Any) -> None:
            order.append(generation)
            super().save(generation, *given)

    place = Place(rows=Recording)
    place.projector.take(place.batch(1), Deadline())
    assert order == [2, 2, 2, 3, 3, 3, 1, 1, 1]


def test_the_control_row_is_read_in_every_batch() -> None:
    place = Place(Control(live=1, newest=1))
    place.projector.take(place.batch(1), Deadline())
    place.table.control = place.table.control.started("rebuild", segments=1, at="2026-03-01T12:00:00.000Z")
    place.projector.take(place.batch(2), Deadline())
    assert place.versions(2) == [2, 2, 2]


def test_a_warm_batch_takes_one_request_an_account_and_the_control_row() -> None:
    place = Place(Control(live=1, newest=1))
    place.projector.take(place.batch(1), Deadline())
    place.calls.clear()
    place.projector.take(place.batch(2, 3), Deadline())
    assert place.calls == {"read": 1, "save": 3}


def test_accounts_are_folded_in_parallel() -> None:
    meeting = threading.Barrier(3, timeout=20)

    class Together(MemoryReadModel[Any]):
        def load(self, *given: Any) -> AccountRow[Any]:
            meeting.wait()
            return super().load(*given)

    place = Place(Control(live=1, newest=1), rows=Together)
    assert place.projector.take(place.batch(1), Deadline()).folded == 3


def test_only_what_is_built_is_left_to_the_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MOST_FILLED_GAP", 2)
    place = Place()
    taking = place.projector.take(place.batch(5), Deadline())
    assert (taking.deferred, taking.folded) == (3, 15)
    assert [place.versions(generation) for generation in (1, 2, 3)] == [[5, 5, 5], [5, 5, 5], [0, 0, 0]]
    assert set(place.table.deferred) == {(3, each) for each in ACCOUNTS}
    assert place.calls["defer"] == 3, "nobody asks for the others"


def test_an_account_that_is_stopped_does_not_hold_the_others_up() -> None:
    place = Place(Control(live=1, previous=2, newest=2))
    place.poison.add(f"{B}/2")
    taking = place.projector.take(place.batch(1, 2, 3), Deadline())
    reason = f"Event 2 cannot be folded: PoisonError: {B}/2"
    assert taking.stopped == (Stopped(1, B, 1, reason), Stopped(2, B, 1, reason))
    assert (taking.folded, taking.waiting) == (7, ())
    assert not place.projector.take(place.batch(4), Deadline()).stopped, "it was stopped before"
    place.poison.clear()
    gates = place.projector.retry([B, A], Deadline())
    assert [(each, gate.version, gate.stopped) for each, gate in gates.items()] == [(B, 5, ""), (A, 5, "")]
    assert place.versions(2) == [5, 5, 4]


def test_what_does_not_answer_waits_and_the_others_are_folded() -> None:
    class Failing(MemoryReadModel[Any]):
        def save(self, generation: int, before: AccountRow[Any], *given: Any) -> None:
            if before.account_id == B:
                raise ReadModelUnavailableError("no answer")
            super().save(generation, before, *given)

    place = Place(Control(live=1, newest=1), rows=Failing)
    taking = place.projector.take(place.batch(1), Deadline())
    assert (taking.folded, taking.waiting) == (2, (B,))
    assert taking.failed == "ReadModelUnavailableError: no answer"


def test_an_event_table_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(Control(live=1, newest=1))

    def read(account_id: str, **_: Any) -> Any:
        raise ReadUnavailableError("throttled")

    monkeypatch.setattr(place.ledger, "read", read)
    batch = place.batch(1, accounts=[A]) | place.batch(3, accounts=[B])
    taking = place.projector.take(batch, Deadline())
    assert (taking.folded, taking.waiting, taking.failed) == (1, (B,), "ReadUnavailableError: throttled")


def test_a_control_row_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: Any) -> Control:
        raise ReadModelUnavailableError("no answer")

    monkeypatch.setattr(MemoryControlRow, "read", read)
    place = Place()
    taking = place.projector.take(place.batch(1), Deadline())
    assert (taking.waiting, taking.failed, taking.folded) == (tuple(ACCOUNTS), "no answer", 0)


def test_when_time_is_over_the_rest_waits() -> None:
    place = Place()
    taking = place.projector.take(place.batch(1), Deadline(1))
    assert (taking.waiting, taking.failed, taking.folded) == (tuple(ACCOUNTS), "", 0)
    assert place.calls == {"read": 1}


def test_an_account_whose_gap_there_is_no_time_for_waits() -> None:
    time = SimulatedTime()

    class Slow(MemoryReadModel[Any]):
        def load(self, *given: Any) -> AccountRow[Any]:
            time.sleep(1)
            return super().load(*given)

    place = Place(Control(live=1, newest=1), rows=Slow)
    taking = place.projector.take(place.batch(3, accounts=[A]), Deadline(4, time.monotonic))
    assert (taking.waiting, taking.failed, taking.folded) == ((A,), "", 0)


def test_what_is_a_mistake_of_ours_is_raised_when_the_others_are_folded() -> None:
    class Wrong(MemoryReadModel[Any]):
        def save(self, generation: int, before: AccountRow[Any], *given: Any) -> None:
            if before.account_id == A:
                raise ZeroDivisionError
            super().save(generation, before, *given)

    place = Place(Control(live=1, newest=1), rows=Wrong)
    with pytest.raises(ZeroDivisionError):
        place.projector.take(place.batch(1), Deadline())
    assert place.versions(1) == [0, 1, 1]


def test_a_retry_without_time_says_so() -> None:
    place = Place(Control(live=1, newest=1))
    with pytest.raises(ReadModelUnavailableError, match="There was not time for all events of account"):
        place.projector.retry([A], Deadline(0))
