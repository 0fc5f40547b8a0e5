"""One account's way through its gate: duplicates, gaps, what stops it, what lets it go on, and what it costs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.eventsourcing.errors import CorruptRowError
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections import folder as folder_module
from lambdas.projections import steps
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.control import Building, Control
from lambdas.projections.daily_totals import DAILY_TOTALS
from lambdas.projections.errors import RowChangedError
from lambdas.projections.folder import AccountFolder, Outcome
from lambdas.projections.memory import MemoryReadModel, MemoryTable
from lambdas.projections.projection import AnyProjection, Folded
from lambdas.projections.read_model import AccountRow
from lambdas.projections.restores import HOLDS_REVOKED
from tests.support.clocks import SimulatedTime
from tests.support.event_rows import account_id
from tests.support.projections.counting import Counting
from tests.support.projections.ledger import Ledger, LongHistory, event_at
from tests.support.projections.reference import flat
from tests.support.projections.samples import SAMPLES, WIDE, Count, poisoned_by, wide_reference

ACCOUNT = account_id(1)
WALKING = Building(generation=1, rebuild="rebuild", segments=1, started_at="2026-03-01T12:00:00.000Z")
LATE = Deadline(0)
"""A time budget that is used up."""


class Place:
    """A read model, a ledger of one account with ten events, and a folder."""

    def __init__(self, projection: AnyProjection = WIDE) -> None:
        self.table, self.calls = MemoryTable(), Counter[str]()
        self.ledger = Ledger(random.Random(8), currencies=["EUR"])
        self.poison: set[str] = set()
        for _ in range(10):
            self.ledger.append(ACCOUNT)
        self.published = list(self.ledger.table[ACCOUNT])
        rows = Counting(MemoryReadModel[Any](self.table), self.calls)
        self.folder: AccountFolder[Any] = AccountFolder(
            poisoned_by(projection, self.poison), rows, Counting(self.ledger, self.calls)
        )

    def take(self, *given: Any, deadline: Deadline | None = None, walking: Building | None = None) -> Outcome[Any]:
        """By version, or what else is delivered."""
        events = [self.published[each - 1] if isinstance(each, int) else each for each in given]
        return self.folder.take(1, ACCOUNT, events, deadline or Deadline(), walking=walking)

    def catch_up(self, *, restart: bool = False) -> Outcome[Any]:
        return self.folder.catch_up(1, ACCOUNT, Deadline(), restart=restart)

    def restore(self, last_good: int) -> RestoredEvent:
        self.ledger.restore(ACCOUNT, last_good)
        return self.ledger.announce(ACCOUNT)

    def judge(self, version: int, stopped: str = "") -> None:
        """The row and shared rows are the fold of the ledger's first events, and nothing else."""
        row = self.table.accounts[1, ACCOUNT]
        assert (row.gate.version, row.gate.stopped) == (version, stopped)
        history = self.ledger.prefixes[ACCOUNT, row.gate.rowhash] if version else ()
        assert len(history) == version
        kept, totals = wide_reference(history)
        assert row.kept == kept
        assert flat({key: shared for (_, key), shared in self.table.shared.items()}) == totals


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


class TestStopped:
    """What an account cannot go on from is one row; what comes later waits in the event table."""

    def test_a_poison_event_and_a_retry_before_and_after_the_fix(self, place: Place) -> None:
        place.poison.add(f"{ACCOUNT}/4")
        outcome = place.take(*range(1, 8))
        assert (outcome.stopped_now, outcome.folded, outcome.waiting) == (True, 3, False)
        reason = f"Event 4 cannot be folded: PoisonError: {ACCOUNT}/4"
        place.judge(3, reason)
        again = place.take(8, 9)
        assert (again.stopped_now, again.folded, again.waiting) == (False, 0, False)
        assert not place.catch_up(restart=True).stopped_now
        place.judge(3, reason)
        place.poison.clear()
        assert place.catch_up(restart=False).folded == 0
        assert place.catch_up(restart=True).folded == 7
        place.judge(10)

    def test_one_that_is_stopped_for_another_reason_is_stopped_anew(self, place: Place) -> None:
        place.poison |= {f"{ACCOUNT}/4"}
        place.take(*range(1, 8))
        place.poison.clear()
        place.poison |= {f"{ACCOUNT}/6"}
        assert place.catch_up(restart=True).stopped_now
        place.judge(5, f"Event 6 cannot be folded: PoisonError: {ACCOUNT}/6")

    def test_an_event_of_an_unknown_type(self, place: Place) -> None:
        place.ledger.unreadable.add(f"{ACCOUNT}/3")
        outcome = place.take(1, 2, place.ledger.published(place.published[2]), 4)
        assert outcome.stopped_now
        place.judge(2, "Event 3 cannot be read: not known")
        place.ledger.unreadable.clear()
        place.catch_up(restart=True)
        place.judge(10)

    def test_one_in_a_gap(self, place: Place) -> None:
        place.ledger.unreadable.add(f"{ACCOUNT}/3")
        place.take(1, 6)
        place.judge(2, f"Event 3 cannot be read: {ACCOUNT}/3: not known")

    def test_one_behind_a_gap(self, place: Place) -> None:
        place.ledger.unreadable.add(f"{ACCOUNT}/6")
        place.take(1, place.ledger.published(place.published[5]))
        place.judge(5, "Event 6 cannot be read: not known")

    def test_the_very_first(self, place: Place) -> None:
        place.poison.add(f"{ACCOUNT}/1")
        assert place.take(1, 2).stopped_now
        place.judge(0, f"Event 1 cannot be folded: PoisonError: {ACCOUNT}/1")
        place.poison.clear()
        place.catch_up(restart=True)
        place.judge(10)

    def test_one_that_was_seen_before_stops_nothing(self, place: Place) -> None:
        place.take(1, 2, 3)
        place.ledger.unreadable.add(f"{ACCOUNT}/3")
        assert not place.take(place.ledger.published(place.published[2])).stopped_now
        place.judge(3)

    def test_a_corrupt_row_in_a_gap(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        def read(account_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
            yield from place.published[after:2]
            raise CorruptRowError(account_id, 3, "no hash")

        monkeypatch.setattr(place.ledger, "read", read)
        place.take(1, 6)
        place.judge(2, f"Event 3 cannot be read: stream {ACCOUNT} version 3: no hash")

    def test_the_reason_is_cut(self, place: Place) -> None:
        def fold(kept: Count | None, event: AccountDomainEvent) -> Folded[Count]:
            raise ValueError("x" * 10_000)

        assert len(Place(replace(WIDE, fold=fold)).take(1).row.gate.stopped) == 500

    def test_a_row_that_another_process_lets_go_on_is_seen(self, place: Place) -> None:
        place.poison.add(f"{ACCOUNT}/2")
        place.take(1, 2)
        other: AccountFolder[Any] = AccountFolder(WIDE, MemoryReadModel(place.table), place.ledger)
        other.catch_up(1, ACCOUNT, Deadline(), restart=True)
        place.poison.clear()
        place.published.append(place.ledger.append(ACCOUNT))
        place.take(11)
        place.judge(11)

    def test_without_time_a_retry_leaves_it_stopped(self, place: Place) -> None:
        place.poison.add(f"{ACCOUNT}/2")
        reason = place.take(1, 2).row.gate.stopped
        place.poison.clear()
        assert place.folder.catch_up(1, ACCOUNT, LATE, restart=True).waiting
        place.judge(1, reason)


class TestForks:
    """Another history than the one that was folded."""

    def another(self, version: int, place: Place) -> AccountDomainEvent:
        genuine = place.published[version - 1]
        return event_at(ACCOUNT, version, genuine.data, before="another", at=place.ledger.later())

    @pytest.mark.parametrize("version", [3, 1])
    def test_stop_the_account(self, place: Place, version: int) -> None:
        place.take(1, 2, 3)
        outcome = place.take(self.another(version, place), 4)
        assert outcome.stopped_now
        place.judge(3, f"Event {version} is of another history than what was folded to 3: a restore?")
        place.take(5)
        place.judge(3, f"Event {version} is of another history than what was folded to 3: a restore?")

    def test_what_the_table_confirms_goes_on_when_it_is_retried(self, place: Place) -> None:
        place.take(1, 2, 3, self.another(2, place))
        place.catch_up(restart=True)
        place.judge(10)

    def test_in_one_batch(self, place: Place) -> None:
        place.take(1, 2, self.another(2, place), 3)
        place.judge(2, "Event 2 is of another history than what was folded to 2: a restore?")

    def test_a_rewritten_table_is_found_when_a_gap_is_filled(self, place: Place) -> None:
        place.take(1, 2, 3)
        place.ledger.restore(ACCOUNT, 1)
        newer = [place.ledger.append(ACCOUNT) for _ in range(5)]
        stopped = "The event table has another event 3 than the one that was folded: a restore?"
        place.take(newer[-1])
        place.judge(3, stopped)
        assert not place.catch_up(restart=True).stopped_now
        place.judge(3, stopped)

    def test_a_table_that_lacks_what_was_folded(self, place: Place) -> None:
        place.take(1, 2, 3)
        place.ledger.restore(ACCOUNT, 1)
        place.catch_up()
        place.judge(3, "The event table has no event 3, which was published or folded: a restore?")

    def test_a_table_that_lacks_what_was_published(self, place: Place) -> None:
        place.take(1)
        place.ledger.restore(ACCOUNT, 2)
        place.take(7)
        place.judge(2, "The event table has no event 3, which was published or folded: a restore?")


class TestRestores:
    """Events beyond the last good version are revoked."""

    @pytest.fixture
    def place(self) -> Place:
        """Of a projection that adds nothing."""
        return Place(replace(WIDE, fold=lambda kept, event: Folded(WIDE.fold(kept, event).kept)))

    def at(self, place: Place, version: int, stopped: str = "") -> None:
        row = place.table.accounts[1, ACCOUNT]
        assert (row.gate.version, row.gate.stopped) == (version, stopped)
        assert row.kept == (Count(version) if version else None)
        if version:
            assert row.gate.rowhash == place.ledger.table[ACCOUNT][version - 1].rowhash

    def test_the_account_is_folded_anew_in_one_write(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        """However many events those are."""
        monkeypatch.setattr(steps, "STEP_EVENTS", 2)
        place.take(*range(1, 9))
        restored = place.restore(5)
        place.calls.clear()
        place.take(restored)
        self.at(place, 5)
        assert place.calls["save"] == 1
        newer = place.ledger.append(ACCOUNT)
        place.take(9, 10, 6, newer)
        self.at(place, 6)

    def test_all_of_it(self, place: Place) -> None:
        place.take(1, 2)
        place.take(place.restore(0))
        self.at(place, 0)
        place.take(1, 2)
        self.at(place, 0)
        place.take(place.ledger.append(ACCOUNT))
        self.at(place, 1)

    def test_nothing_of_it_was_folded(self, place: Place) -> None:
        place.take(1, 2, 3)
        restored = place.restore(5)
        place.take(restored, 6, 7)
        self.at(place, 5)

    def test_an_account_that_was_never_seen(self, place: Place) -> None:
        place.take(place.restore(5))
        self.at(place, 5)

    def test_again_it_changes_nothing(self, place: Place) -> None:
        place.take(*range(1, 9))
        restored = place.restore(5)
        place.take(restored)
        newer = [place.ledger.append(ACCOUNT) for _ in range(4)]
        place.take(*newer)
        before = dict(place.table.accounts)
        assert place.take(restored, 6, 7, 8).folded == 0
        assert place.table.accounts == before

    def test_one_that_was_stopped_goes_on(self, place: Place) -> None:
        """What it ignored meanwhile comes from the event table."""
        place.take(*range(1, 9))
        restored = place.restore(5)
        newer = [place.ledger.append(ACCOUNT) for _ in range(4)]
        place.take(*newer)
        assert place.table.accounts[1, ACCOUNT].gate.stopped
        place.take(restored)
        self.at(place, 9)

    def test_one_that_was_stopped_by_what_is_revoked(self, place: Place) -> None:
        place.poison.add(f"{ACCOUNT}/6")
        place.take(*range(1, 9))
        restored = place.restore(5)
        place.poison.clear()
        newer = place.ledger.append(ACCOUNT)
        place.take(restored)
        self.at(place, 6)
        assert place.ledger.table[ACCOUNT][-1] == newer

    def test_one_that_was_stopped_after_the_restore_stays_so(self, place: Place) -> None:
        restored = place.restore(5)
        place.take(*range(1, 6), restored)
        place.poison.add(f"{ACCOUNT}/6")
        newer = place.ledger.append(ACCOUNT)
        place.take(newer)
        stopped = place.table.accounts[1, ACCOUNT].gate.stopped
        place.take(restored)
        self.at(place, 5, stopped)
        assert stopped

    def test_without_time_nothing_is_noted(self, place: Place) -> None:
        place.take(*range(1, 9))
        restored = place.restore(5)
        before = dict(place.table.accounts)
        assert place.take(restored, deadline=LATE).waiting
        assert place.table.accounts == before
        place.take(restored)
        self.at(place, 5)

    def test_what_shared_rows_hold_stops_the_account(self) -> None:
        place = Place()
        place.take(*range(1, 9))
        restored = place.restore(5)
        assert place.take(restored, 9).stopped_now
        place.judge(8, HOLDS_REVOKED)
        assert not place.take(restored, place.ledger.append(ACCOUNT)).stopped_now
        assert not place.catch_up(restart=True).stopped_now
        place.judge(8, HOLDS_REVOKED)

    def test_what_a_newer_release_adds_to_shared_rows_cannot_be_told_from_what_they_hold(self, place: Place) -> None:
        place.take(*range(1, 9))
        newer: AccountFolder[Any] = AccountFolder(WIDE, MemoryReadModel(place.table), place.ledger)
        outcome = newer.take(1, ACCOUNT, [place.restore(5)], Deadline())
        assert outcome.stopped_now
        row = place.table.accounts[1, ACCOUNT]
        assert (row.gate.version, row.gate.stopped, row.kept) == (8, HOLDS_REVOKED, Count(8))
        assert not place.table.shared

    def test_an_account_without_a_share_in_rows_is_folded_anew(self) -> None:
        """A test account, of which the totals have nothing."""
        place = Place(DAILY_TOTALS)
        place.ledger = Ledger(random.Random(1), currencies=["XTS"])
        place.published = [place.ledger.append(ACCOUNT) for _ in range(8)]
        place.folder = AccountFolder(DAILY_TOTALS, MemoryReadModel(place.table), place.ledger)
        place.take(*range(1, 9))
        outcome = place.take(place.restore(5))
        assert (outcome.row.gate.version, outcome.row.gate.stopped) == (5, "")


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
