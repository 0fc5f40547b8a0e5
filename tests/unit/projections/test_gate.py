"""What an event is to a gate, and what a restore changes about that."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import Struct

from lambdas.contracts.ledger_events import RestoredEvent, restored_event
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.projections.folding.gate import Standing, holds_revoked, lowest_standing, moved, standing, with_restore
from lambdas.projections.read_model import Gate

BEGIN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class At(Struct, frozen=True):
    """Where an event stands."""

    streamversion: int
    recordedtime: str
    rowhash: str = "mine"


def minute(number: int) -> str:
    return format_timestamp(BEGIN + timedelta(minutes=number))


def restored(last_good: int, at: int) -> RestoredEvent:
    moment = BEGIN + timedelta(minutes=at)
    account = "00000000-0000-4000-8000-000000000001"
    return restored_event(account, last_good_version=last_good, restored_to=BEGIN, generation=2, announced=moment)


GATE = Gate(5, "mine", minute(5))


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (At(6, minute(6)), Standing.NEXT),
        (At(6, minute(5)), Standing.NEXT),
        (At(7, minute(6)), Standing.GAP),
        (At(100_006, minute(6)), Standing.GAP),
        (At(5, minute(5)), Standing.DUPLICATE),
        (At(5, minute(5), "another"), Standing.FORK),
        (At(5, minute(4), "another"), Standing.FORK),
        (At(4, minute(4), "another"), Standing.DUPLICATE),
        (At(4, minute(5), "another"), Standing.DUPLICATE),
        (At(4, minute(6), "another"), Standing.FORK),
        (At(1, minute(6), "another"), Standing.FORK),
        (At(6, minute(4)), Standing.FORK),
        (At(9, minute(4)), Standing.FORK),
    ],
)
def test_an_event(event: At, found: Standing) -> None:
    assert standing(GATE, event) is found


def test_the_first_event() -> None:
    assert standing(Gate(), At(1, minute(0))) is Standing.NEXT
    assert standing(Gate(), At(2, minute(0))) is Standing.GAP


def test_a_gate_moves_to_its_event_and_keeps_the_rest() -> None:
    gate = with_restore(GATE, restored(5, 9))
    after = moved(gate, At(6, minute(10), "next"), added=False)
    assert after == Gate(6, "next", minute(10), revoked=gate.revoked)
    assert moved(moved(after, At(7, minute(11)), added=True), At(8, minute(12)), added=False).added


class TestRestores:
    """What is beyond the last good version and was recorded before the announcement is revoked."""

    @pytest.mark.parametrize(
        ("event", "found"),
        [
            (At(6, minute(8)), Standing.REVOKED),
            (At(7, minute(8)), Standing.REVOKED),
            (At(6, minute(9)), Standing.NEXT),
            (At(7, minute(9)), Standing.GAP),
            (At(5, minute(5)), Standing.DUPLICATE),
            (At(5, minute(5), "another"), Standing.FORK),
        ],
    )
    def test_an_event_afterwards(self, event: At, found: Standing) -> None:
        assert standing(with_restore(GATE, restored(5, 9)), event) is found

    def test_a_gate_holds_what_is_revoked(self) -> None:
        assert holds_revoked(with_restore(GATE, restored(4, 9)))
        assert not holds_revoked(with_restore(GATE, restored(5, 9)))
        assert not holds_revoked(with_restore(GATE, restored(4, 5))), "it was recorded at the moment itself"

    def test_a_repeated_one_changes_nothing(self) -> None:
        once = with_restore(GATE, restored(5, 9))
        assert with_restore(once, restored(5, 9)) is once
        assert with_restore(once, restored(6, 8)) is once, "it revokes nothing else"

    def test_several_in_any_order_come_to_the_same(self) -> None:
        """3 at 9 revokes what 5 at 12 does not; 4 at 8 revokes nothing that 3 at 9 does not."""
        restores = [restored(3, 9), restored(5, 12), restored(4, 8), restored(5, 12)]
        gates = [GATE for _ in itertools.permutations(restores)]
        for place, order in enumerate(itertools.permutations(restores)):
            for each in order:
                gates[place] = with_restore(gates[place], each)
        assert len(set(gates)) == 1
        chain = gates[0].revoked
        assert chain is not None
        assert (chain.last_good_version, chain.before) == (5, minute(12))
        assert chain.earlier is not None
        assert (chain.earlier.last_good_version, chain.earlier.earlier) == (3, None)
        assert standing(gates[0], At(4, minute(8))) is Standing.REVOKED
        assert standing(gates[0], At(4, minute(10), "another")) is Standing.FORK
        assert standing(gates[0], At(6, minute(11))) is Standing.REVOKED

    def test_a_later_one_that_goes_further_back_takes_the_place_of_the_first(self) -> None:
        gate = with_restore(with_restore(GATE, restored(5, 9)), restored(3, 12))
        assert gate.revoked is not None
        assert (gate.revoked.last_good_version, gate.revoked.earlier) == (3, None)

    def test_an_account_is_folded_anew_up_to_the_lowest_that_concerns_it(self) -> None:
        both = with_restore(with_restore(Gate(7, "mine", minute(8)), restored(3, 9)), restored(5, 12))
        assert lowest_standing(both) == 3
        between = with_restore(with_restore(Gate(7, "mine", minute(10)), restored(3, 9)), restored(5, 12))
        assert lowest_standing(between) == 5
