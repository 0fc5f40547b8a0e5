"""What stops an account, and what lets it go on: a fix, and a restore."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.eventsourcing.errors import CorruptRowError
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.daily_totals import DAILY_TOTALS
from lambdas.projections.folding import steps
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.folding.restores import HOLDS_REVOKED
from lambdas.projections.memory import MemoryReadModel
from lambdas.projections.projection import Folded
from tests.support.projections.ledger import Ledger, event_at
from tests.support.projections.place import ACCOUNT, LATE, Place
from tests.support.projections.samples import WIDE, Count


@pytest.fixture
def place() -> Place:
    return Place()


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
