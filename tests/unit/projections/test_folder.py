"""One account's way through its gate: any order, gaps, what is left to a rebuild, and what it costs."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from msgspec.structs import replace

from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.control import Control
from lambdas.projections.daily_totals import DAILY_TOTALS
from lambdas.projections.errors import RowChangedError
from lambdas.projections.folding import folder as folder_module
from lambdas.projections.folding import steps
from lambdas.projections.folding.folder import AccountFolder, Outcome
from lambdas.projections.memory import MemoryReadModel, MemoryTable
from lambdas.projections.projection import Folded
from lambdas.projections.read_model import AccountRow
from tests.support.clocks import SimulatedTime
from tests.support.event_rows import account_id
from tests.support.projections.counting import Counting
from tests.support.projections.ledger import Ledger, LongHistory
from tests.support.projections.place import ACCOUNT, LATE, WALKING, Place
from tests.support.projections.reference import flat
from tests.support.projections.samples import SAMPLES, WIDE, Count


@pytest.fixture
def place() -> Place:
    return Place()


class TestInAnyOrder:
    """Every event counts once."""

    @pytest.mark.parametrize("seed", range(20))
    def test_shuffled_doubled_and_cut(self, place: Place, seed: int) -> None:
        rng = random.Random(seed)
        versions = [*range(1, 11), *rng.choices(range(1, 11), k=10)]
        rng.shuffle(versions)
        folded = 0
        while versions:
            size = rng.randint(1, 6)
            folded += place.take(*versions[:size]).folded
            versions = versions[size:]
        assert folded == 10
        place.judge(10)

    def test_a_gap_of_one(self, place: Place) -> None:
        place.take(1, 2)
        assert place.take(4).folded == 2
        place.judge(4)

    def test_a_gap_of_100_000(self) -> None:
        """Page by page; never more than a step in memory, and each event once."""
        long, table, calls = LongHistory(ACCOUNT, 100_002), MemoryTable(), Counter[str]()
        rows = Counting(MemoryReadModel[Any](table), calls)
        folder: AccountFolder[Any] = AccountFolder(DAILY_TOTALS, rows, long)
        folder.take(1, ACCOUNT, [long.event(1)], Deadline())
        outcome = folder.take(1, ACCOUNT, [long.event(100_002)], Deadline(600))
        assert (outcome.folded, outcome.waiting) == (100_001, False)
        assert outcome.row.gate.version == 100_002
        assert flat({key: row for (_, key), row in table.shared.items()}).total() > 0
        assert sum(row["events"] for row in table.shared.values()) == 100_002
        assert long.read_events == 100_001, "the gate's own event with them"
        assert calls["save"] == 1 + 201
        assert calls["load"] == 1

    def test_what_there_is_no_time_for_waits_and_goes_on_from_there(self) -> None:
        """Each delivery has time for three pages; none of them is folded in vain."""
        long, table, time = LongHistory(ACCOUNT, 5_000), MemoryTable(), SimulatedTime()

        class Slow(MemoryReadModel[Any]):
            def save(self, *given: Any) -> None:
                assert given[-1].allows_attempt()
                time.sleep(1)
                super().save(*given)

        folder: AccountFolder[Any] = AccountFolder(DAILY_TOTALS, Slow(table), long)
        versions = []
        for _ in range(10):
            outcome = folder.take(1, ACCOUNT, [long.event(5_000)], Deadline(6, time.monotonic))
            versions.append(outcome.row.gate.version)
            if not outcome.waiting:
                break
        assert versions == [1_500, 2_999, 4_498, 5_000]
        assert sum(row["events"] for row in table.shared.values()) == 5_000

    def test_without_time_nothing_is_read(self, place: Place) -> None:
        outcome = place.take(3, deadline=LATE)
        assert (outcome.waiting, outcome.folded) == (True, 0)
        assert place.calls == {"load": 1}


class TestRequests:
    """DESIGN's budget: one request warm, one read more cold."""

    def test_warm_and_cold(self, place: Place) -> None:
        place.take(1)
        assert place.calls == {"load": 1, "save": 1}
        place.take(2, 3)
        assert place.calls == {"load": 1, "save": 2}

    def test_only_duplicates(self, place: Place) -> None:
        place.take(1, 2)
        place.calls.clear()
        place.take(1, 2)
        assert not place.calls

    def test_a_gap_takes_one_read_of_the_event_table(self, place: Place) -> None:
        place.take(1)
        place.calls.clear()
        place.take(5)
        assert place.calls == {"read": 1, "save": 1}

    def test_a_lost_race_takes_one_write_more(self, place: Place) -> None:
        place.take(1)
        place.calls.clear()
        other: AccountFolder[Any] = AccountFolder(WIDE, MemoryReadModel(place.table), place.ledger)
        other.take(1, ACCOUNT, place.published[:2], Deadline())
        assert place.take(2, 3).folded == 1
        assert place.calls == {"save": 2}
        place.judge(3)

    def test_what_was_written_before_a_lost_race_is_counted(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(steps, "STEP_EVENTS", 1)
        other: AccountFolder[Any] = AccountFolder(WIDE, MemoryReadModel(place.table), place.ledger)

        class Overtaken(MemoryReadModel[Any]):
            def save(self, generation: int, before: Any, *given: Any) -> None:
                if before.gate.version == 1 and place.table.accounts[1, ACCOUNT].gate.version == 1:
                    other.take(1, ACCOUNT, place.published[:3], Deadline())
                super().save(generation, before, *given)

        place.folder = AccountFolder(WIDE, Overtaken(place.table), place.ledger)
        assert place.take(1, 2, 3).folded == 1
        place.judge(3)

    def test_generations_are_remembered_apart(self, place: Place) -> None:
        place.take(1, 2)
        outcome = place.folder.take(2, ACCOUNT, place.published[:1], Deadline())
        assert outcome.row.gate.version == 1
        assert place.calls == {"load": 2, "save": 2}

    def test_a_shuffled_batch_takes_no_read_of_the_event_table(self, place: Place) -> None:
        place.take(5, 3, 1, 4, 2)
        assert place.calls == {"load": 1, "save": 1}

    def test_a_row_that_others_always_change_waits_for_the_redelivery(self, place: Place) -> None:
        saves = []

        class Overtaken(MemoryReadModel[Any]):
            def save(self, *given: Any) -> None:
                saves.append(given)
                raise RowChangedError(AccountRow(ACCOUNT))

        place.folder = AccountFolder(WIDE, Overtaken(place.table), place.ledger)
        assert place.take(1) == Outcome(AccountRow(ACCOUNT), waiting=True)
        assert len(saves) == folder_module.MOST_RACES

    def test_of_more_accounts_than_it_remembers_it_reads_those_again_that_were_not_seen_lately(self) -> None:
        table, calls, ledger = MemoryTable(), Counter[str](), Ledger(random.Random(1))
        rows = Counting(MemoryReadModel[Any](table), calls)
        folder: AccountFolder[Any] = AccountFolder(WIDE, rows, ledger, remembered_rows=2)
        one, two, three = [ledger.append(account_id(number)) for number in (1, 2, 3)]

        def take(event: AccountDomainEvent) -> int:
            calls.clear()
            folder.take(1, event.subject, [event], Deadline())
            return calls["load"]

        assert [take(each) for each in (one, two, one, three, one, two)] == [1, 1, 0, 1, 0, 1]


class TestSteps:
    """A share that changes many rows is cut, and the gate moves with each step."""

    def test_shared_rows(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(steps, "MOST_SHARED_ROWS", 3)
        place.take(*range(1, 11))
        place.judge(10)
        assert place.calls["save"] > 2

    @pytest.mark.parametrize(
        ("rows_an_event", "saves"), [(13, [6, 4]), (30, [3, 3, 3, 1]), (31, [2, 2, 2, 2, 2]), (90, [1] * 10)]
    )
    def test_as_many_events_as_fit_are_of_a_step(self, rows_an_event: int, saves: list[int]) -> None:
        """90 shared rows beside the gate; each event has rows of its own."""
        versions: list[int] = []

        def fold(kept: Count | None, event: AccountDomainEvent) -> Folded[Count]:
            rows = {f"{event.streamversion}/{each}": {"n": 1} for each in range(rows_an_event)}
            return Folded(Count(event.streamversion), rows)

        class Recording(MemoryReadModel[Any]):
            def save(self, generation: int, before: Any, after: Any, *given: Any) -> None:
                versions.append(after.gate.version - before.gate.version)
                super().save(generation, before, after, *given)

        place = Place(replace(WIDE, fold=fold))
        place.folder = AccountFolder(replace(WIDE, fold=fold), Recording(place.table), place.ledger)
        place.take(*range(1, 11))
        assert versions == saves
        assert len(place.table.shared) == 10 * rows_an_event

    def test_an_event_that_changes_too_many_rows_stops_the_account(self) -> None:
        def fold(kept: Count | None, event: AccountDomainEvent) -> Folded[Count]:
            many = 91 if event.streamversion == 2 else 90
            return Folded(Count(event.streamversion), {f"row {each}": {"n": 1} for each in range(many)})

        place = Place(replace(WIDE, fold=fold))
        outcome = place.take(1, 2, 3)
        assert outcome.stopped_now
        assert outcome.row.gate.version == 1
        assert outcome.row.gate.stopped == "Event 2 adds to 91 rows: 90 can be."

    def test_events(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(steps, "STEP_EVENTS", 4)
        place.take(*range(1, 11))
        place.judge(10)
        assert place.calls["save"] == 3


class TestDeferring:
    """While a rebuild walks, events behind a large gap are left to it."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(folder_module, "MOST_FILLED_GAP", 3)

    def test_behind_a_larger_gap(self, place: Place) -> None:
        place.table.control = Control(live=2, building=WALKING, newest=2)
        outcome = place.take(1, 6, 7, walking=WALKING)
        assert (outcome.deferred, outcome.folded, outcome.waiting) == (True, 1, False)
        assert place.table.deferred == {(1, ACCOUNT): "rebuild"}
        place.judge(1)
        place.catch_up()
        place.judge(10)

    def test_behind_a_gap_of_exactly_as_many(self, place: Place) -> None:
        place.table.control = Control(live=2, building=WALKING, newest=2)
        assert not place.take(1, 5, walking=WALKING).deferred
        place.judge(5)

    @pytest.mark.parametrize(
        "control",
        [
            Control(live=2, building=replace(WALKING, state="settling"), newest=2),
            Control(live=2, building=replace(WALKING, rebuild="another"), newest=2),
            Control(live=1, newest=2),
        ],
    )
    def test_once_the_walk_is_over_the_gap_is_filled(self, place: Place, control: Control) -> None:
        place.table.control = control
        assert not place.take(1, 8, walking=WALKING).deferred
        assert not place.table.deferred
        place.judge(8)

    def test_in_a_generation_that_is_not_built(self, place: Place) -> None:
        assert not place.take(1, 8).deferred
        place.judge(8)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.projection.name)
@pytest.mark.parametrize("seed", range(5))
def test_each_projection_comes_to_its_reference(sample: Any, seed: int) -> None:
    table, ledger = MemoryTable(), Ledger(random.Random(seed))
    folder: AccountFolder[Any] = AccountFolder(sample.projection, MemoryReadModel(table), ledger)
    for number in range(4):
        for _ in range(30):
            ledger.append(account_id(number))
        folder.catch_up(1, account_id(number), Deadline())
    for account, events in ledger.table.items():
        assert table.accounts[1, account].kept == sample.reference(events)[0]
    totals = Counter[tuple[str, str]]()
    for events in ledger.table.values():
        totals.update(sample.reference(events)[1])
    assert flat({key: row for (_, key), row in table.shared.items()}) == {k: v for k, v in totals.items() if v}
    assert sample.projection is not ACCOUNT_SUMMARIES or not table.shared
