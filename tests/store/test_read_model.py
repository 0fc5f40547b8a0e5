"""What every adapter of a read model's ports does: conditions, races, notes of a rebuild, progress, positions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace

from lambdas.contracts.ledger_events import RestoredEvent, restored_event
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import parse_timestamp
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.control import Control
from lambdas.projections.daily_totals import DAILY_TOTALS, LastDay
from lambdas.projections.errors import ControlChangedError, ControlError, RebuildRunningError, RowChangedError
from lambdas.projections.lag import Lag, Position
from lambdas.projections.read_model import MOST_SHARED_ROWS, AccountRow, Gate, Revoked
from lambdas.projections.segments import Segment
from tests.support.account_rows import BOOKED, gate, row
from tests.support.backends import NewId
from tests.support.clocks import START
from tests.support.read_models import NewPorts, Ports, TablePorts

ADDED = {"EUR#2026-03-01": {"events": 1, "net": -5}, "EUR#2026-03-02": {"events": 2}}
NOTHING: dict[str, Any] = {}


@pytest.fixture
def ports(new_ports: NewPorts) -> Ports:
    return new_ports(ACCOUNT_SUMMARIES)


@pytest.fixture
def totals(new_ports: NewPorts) -> Ports:
    return new_ports(DAILY_TOTALS)


def save(
    ports: Ports, before: AccountRow[Any], after: AccountRow[Any], added: Any = NOTHING, generation: int = 1
) -> None:
    ports.rows.save(generation, before, after, added, Deadline())


def put(ports: Ports, *rows: AccountRow[Any], generation: int = 1) -> None:
    for each in rows:
        save(ports, AccountRow(each.account_id), each, generation=generation)


def account(each: AccountRow[Any]) -> str:
    return each.account_id


def stopped_accounts(ports: Ports) -> list[AccountRow[Any]]:
    return sorted(ports.rows.stopped(1), key=account)


def counted(account_id: str, version: int) -> AccountRow[LastDay]:
    return AccountRow(account_id, gate(version), LastDay(BOOKED[:10]))


def test_row_that_is_not_there_is_empty(ports: Ports, new_id: NewId) -> None:
    account_id = new_id()

    assert ports.rows.load(1, account_id, Deadline()) == AccountRow(account_id)


@pytest.mark.parametrize(
    "gate_",
    [gate(1), gate(2**53), gate(3, stopped='"why" – ünd\n'), replace(gate(7), revoked=Revoked(5, BOOKED))],
)
def test_row_is_as_it_was_saved(ports: Ports, new_id: NewId, gate_: Gate) -> None:
    saved = replace(row(new_id(), 3), gate=gate_)

    put(ports, saved)

    assert ports.rows.load(1, saved.account_id, Deadline()) == saved


def test_row_of_which_nothing_is_kept(ports: Ports, new_id: NewId) -> None:
    stopped = AccountRow[Any](new_id(), Gate(stopped="Its first event is of a type that nobody knows."))

    put(ports, stopped)

    assert ports.rows.load(1, stopped.account_id, Deadline()) == stopped
    assert list(ports.rows.stopped(1)) == [stopped]


def test_gate_moves_on_from_where_it_was(ports: Ports, new_id: NewId) -> None:
    account_id = new_id()
    put(ports, row(account_id, 1))

    save(ports, row(account_id, 1), row(account_id, 2))

    assert ports.rows.load(1, account_id, Deadline()) == row(account_id, 2)


@pytest.mark.parametrize("before", [0, 1, 3])
def test_gate_does_not_move_from_elsewhere(totals: Ports, new_id: NewId, before: int) -> None:
    account_id = new_id()
    old = counted(account_id, before) if before else AccountRow[LastDay](account_id)
    put(totals, counted(account_id, 2))

    with pytest.raises(RowChangedError) as changed:
        save(totals, old, counted(account_id, 4), ADDED)

    assert changed.value.current == counted(account_id, 2)
    assert totals.rows.load(1, account_id, Deadline()) == counted(account_id, 2)
    assert totals.rows.shared_rows(1, "", "~") == {}


def test_gate_does_not_move_from_a_row_that_is_gone(totals: Ports, new_id: NewId) -> None:
    account_id = new_id()

    for added in (NOTHING, ADDED):
        with pytest.raises(RowChangedError) as changed:
            save(totals, counted(account_id, 1), counted(account_id, 2), added)
        assert changed.value.current == AccountRow(account_id)
    assert totals.rows.shared_rows(1, "", "~") == {}


def test_same_save_twice_counts_once(totals: Ports, new_id: NewId) -> None:
    account_id = new_id()

    for _ in range(3):
        save(totals, AccountRow(account_id), counted(account_id, 1), ADDED)

    assert totals.rows.shared_rows(1, "", "~") == ADDED


def test_shared_rows_are_added_up_over_accounts(totals: Ports, new_id: NewId) -> None:
    for _ in range(40):
        account_id = new_id()
        save(totals, AccountRow(account_id), counted(account_id, 1), ADDED)
        save(totals, counted(account_id, 1), counted(account_id, 2), {"USD#2026-03-01": {"net": 10**15}})

    assert totals.rows.shared_rows(1, "EUR#", "EUR#2026-03-01") == {"EUR#2026-03-01": {"events": 40, "net": -200}}
    assert totals.rows.shared_rows(1, "EUR#2026-03-02", "USD#2026-03-01") == {
        "EUR#2026-03-02": {"events": 80},
        "USD#2026-03-01": {"net": 40 * 10**15},
    }
    assert totals.rows.shared_rows(1, "EUR#2026-03-03", "EUR#2026-03-31") == {}
    assert totals.rows.shared_rows(1, "EUR#2026-03-02", "EUR#2026-03-01") == {}
    assert totals.rows.shared_rows(2, "", "~") == {}
    assert list(totals.rows.shared_rows(1, "", "~")) == [*ADDED, "USD#2026-03-01"]


@pytest.mark.parametrize("large", [int("1234567890" * 2 + "12345678"), int("1234567890" * 3 + "12345678")])
def test_measures_have_all_digits(totals: Ports, new_id: NewId, large: int) -> None:
    if isinstance(totals, TablePorts) and large > totals.largest_number:
        pytest.skip("this endpoint adds with fewer digits than DynamoDB")
    account_id = new_id()

    save(totals, AccountRow(account_id), counted(account_id, 1), {"EUR#d": {"net": large - 1, "events": -large}})
    save(totals, counted(account_id, 1), counted(account_id, 2), {"EUR#d": {"net": 1}})

    assert totals.rows.shared_rows(1, "EUR#d", "EUR#d") == {"EUR#d": {"net": large, "events": -large}}


def test_one_save_adds_to_many_shared_rows_and_no_more(totals: Ports, new_id: NewId) -> None:
    account_id = new_id()
    most = {f"EUR#{number:04}": {"events": 1} for number in range(MOST_SHARED_ROWS)}

    save(totals, AccountRow(account_id), counted(account_id, 1), most)
    with pytest.raises(ValueError, match="91"):
        save(totals, counted(account_id, 1), counted(account_id, 2), most | {"EUR#one more": {"events": 1}})

    assert totals.rows.shared_rows(1, "", "~") == most


def test_of_savers_at_once_one_wins(totals: Ports, new_id: NewId) -> None:
    account_id = new_id()
    after = [counted(account_id, version) for version in range(1, 9)]
    winners_seen: set[AccountRow[LastDay]] = set()

    def attempt(each: AccountRow[LastDay]) -> AccountRow[LastDay] | None:
        try:
            save(totals, AccountRow(account_id), each, ADDED)
        except RowChangedError as changed:
            winners_seen.add(changed.current)
            return None
        return each

    with ThreadPoolExecutor(4) as threads:
        winners = [each for each in threads.map(attempt, after) if each is not None]

    assert [totals.rows.load(1, account_id, Deadline())] == winners == list(winners_seen)
    assert totals.rows.shared_rows(1, "", "~") == ADDED


def test_savers_of_one_account_at_once_count_everything_once(totals: Ports, new_id: NewId) -> None:
    account_id = new_id()

    def fold(_: int) -> None:
        done = 0
        while done < 5:
            current = totals.rows.load(1, account_id, Deadline())
            after = counted(account_id, current.gate.version + 1)
            # the hash is its own, so that nobody takes another's attempt for an earlier one of its own
            after = replace(after, gate=replace(after.gate, rowhash=new_id()))
            try:
                save(totals, current, after, {"EUR#d": {"events": 1}})
            except RowChangedError:
                continue
            done += 1

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(fold, range(3)))

    assert totals.rows.load(1, account_id, Deadline()).gate.version == 15
    assert totals.rows.shared_rows(1, "", "~") == {"EUR#d": {"events": 15}}


def test_generations_know_nothing_of_each_other(ports: Ports, new_id: NewId) -> None:
    account_id = new_id()
    for generation in (1, 2, 12):
        put(ports, row(account_id, generation, stopped="why" if generation == 2 else ""), generation=generation)

    assert ports.rows.load(12, account_id, Deadline()) == row(account_id, 12)
    assert ports.rows.rows(1, [account_id]) == {account_id: row(account_id, 1)}
    assert ports.rows.rows(3, [account_id]) == {}
    assert [list(ports.rows.stopped(each)) for each in (1, 2, 12)] == [[], [row(account_id, 2, stopped="why")], []]


def test_many_rows_at_once(ports: Ports, new_id: NewId) -> None:
    saved = [row(new_id(), 1) for _ in range(120)]
    put(ports, *saved)
    asked = [each.account_id for each in saved] + [new_id(), saved[0].account_id]

    assert ports.rows.rows(1, asked) == {each.account_id: each for each in saved}
    assert ports.rows.rows(1, []) == {}


def test_stopped_accounts_until_they_go_on(ports: Ports, new_id: NewId) -> None:
    going = [row(new_id(), 1) for _ in range(3)]
    stopped = sorted((row(new_id(), 1, stopped="a reason") for _ in range(3)), key=account)
    put(ports, *going, *stopped)

    assert stopped_accounts(ports) == stopped

    save(ports, stopped[0], row(stopped[0].account_id, 2))
    assert stopped_accounts(ports) == stopped[1:]


def walk(ports: Ports, rebuild: str = "first") -> Control:
    control = Control().started(rebuild, segments=4, at=BOOKED)
    ports.control.change(Control(), control)
    return control


def test_control_row_changes_from_what_it_was(ports: Ports) -> None:
    assert ports.control.read() == Control()

    walking = walk(ports)
    assert ports.control.read() == walking

    settling = walking.settling("first")
    ports.control.change(walking, settling)
    ports.control.change(walking, settling)
    assert ports.control.read() == settling
    for before in (Control(), walking):
        with pytest.raises(ControlChangedError):
            ports.control.change(before, settling.built("first"))
    assert ports.control.read() == settling


def test_of_two_rebuilds_at_once_one_starts(ports: Ports) -> None:
    walk(ports)

    with pytest.raises(ControlChangedError):
        walk(ports, "second")

    assert ports.control.read() == Control().started("first", segments=4, at=BOOKED)


def test_accounts_are_deferred_only_while_their_rebuild_walks(ports: Ports, new_id: NewId) -> None:
    account_id, other = new_id(), new_id()
    assert not ports.rows.defer(1, account_id, "first", Deadline())

    walking = walk(ports)
    assert not ports.rows.defer(1, account_id, "second", Deadline())
    assert not ports.rows.defer(2, account_id, "first", Deadline())
    assert list(ports.rows.deferred(1)) == []
    for each in (account_id, other, account_id):
        assert ports.rows.defer(1, each, "first", Deadline())

    ports.control.change(walking, walking.settling("first"))
    assert not ports.rows.defer(1, new_id(), "first", Deadline())
    assert sorted(ports.rows.deferred(1)) == sorted([account_id, other])
    assert list(ports.rows.deferred(2)) == []

    for _ in range(2):
        ports.rows.undefer(1, account_id)
    assert list(ports.rows.deferred(1)) == [other]


def restored(account_id: str, generation: int) -> RestoredEvent:
    return restored_event(
        account_id, last_good_version=4, restored_to=parse_timestamp(BOOKED), generation=generation, announced=START
    )


def test_restores_are_noted_once(ports: Ports, new_id: NewId) -> None:
    """However many accounts, and however often each was restored."""
    assert list(ports.rows.restores()) == []
    noted = [restored(new_id(), 1) for _ in range(30)]
    noted.append(restored(noted[0].subject, 2))
    for each in [*noted, *noted]:
        ports.rows.note_restore(each, Deadline())
    assert sorted(ports.rows.restores(), key=lambda each: each.id) == sorted(noted, key=lambda each: each.id)


def segment(number: int, rebuild: str = "first", generation: int = 1, **progress: Any) -> Segment:
    return Segment(generation=generation, number=number, rebuild=rebuild, **progress)


def test_progress_of_the_rebuild_that_walks(ports: Ports) -> None:
    walk(ports)
    first = segment(0, after='{"stream_id": {"S": "a"}}', rows=25, read_units=0.5, write_units=25.0)

    assert ports.segments.load(1, 0) is None
    for each in (first, segment(11, done=True), segment(2)):
        ports.segments.save(each)

    assert ports.segments.load(1, 0) == first
    assert ports.segments.all(1) == [first, segment(2), segment(11, done=True)]
    assert ports.segments.all(2) == []


def test_no_progress_of_a_rebuild_that_does_not_walk(ports: Ports) -> None:
    with pytest.raises(ControlError):
        ports.segments.save(segment(0))

    walking = walk(ports)
    ports.segments.save(segment(0, rows=1))
    taken_over = walking.taken_over("second")
    ports.control.change(walking, taken_over)
    with pytest.raises(RebuildRunningError) as running:
        ports.segments.save(segment(0, rows=2))
    assert running.value.rebuild == "second"
    with pytest.raises(ControlError) as another:
        ports.segments.save(segment(0, "second", generation=2))
    assert not isinstance(another.value, RebuildRunningError)
    ports.control.change(taken_over, taken_over.settling("second"))
    with pytest.raises(ControlError):
        ports.segments.save(segment(0, "second", rows=2))

    assert ports.segments.all(1) == [segment(0, rows=1)]


def test_what_a_rebuild_leaves_is_dropped(ports: Ports, new_id: NewId) -> None:
    walk(ports)
    accounts = [new_id() for _ in range(30)]
    for number in range(30):
        ports.segments.save(segment(number))
        ports.rows.defer(1, accounts[number], "first", Deadline())

    ports.segments.drop(2)
    assert (len(ports.segments.all(1)), len(list(ports.rows.deferred(1)))) == (30, 30)

    ports.segments.drop(1)
    ports.segments.drop(1)
    assert (ports.segments.all(1), list(ports.rows.deferred(1))) == ([], [])
    assert ports.control.read().walking is not None


def test_positions_and_the_lag(ports: Ports) -> None:
    def position(shard: str, number: int) -> Position:
        return Position(shard=shard, sequence_number=str(number), recordedtime=BOOKED, folded_at=BOOKED)

    assert ports.positions.all() == {}
    assert ports.positions.lag() is None
    for each in (position("shardId-1", 10**55), position("shardId-0", 2), position("shardId-1", 3)):
        ports.positions.save(each)
    lags = [
        Lag(events=3, seconds=0.25, measured_at=BOOKED, more=True, stopped=1),
        Lag(events=0, seconds=0, measured_at=""),
    ]
    for lag in lags:
        ports.positions.save_lag(lag)
        assert ports.positions.lag() == lag

    assert ports.positions.all() == {"shardId-0": position("shardId-0", 2), "shardId-1": position("shardId-1", 10**55)}


def test_keys_of_items_do_not_meet(ports: Ports, new_id: NewId) -> None:
    put(ports, row(new_id(), 1))
    walk(ports)
    ports.rows.defer(1, new_id(), "first", Deadline())
    ports.segments.save(segment(0))
    ports.positions.save(Position(shard="account", sequence_number="1", recordedtime="", folded_at=""))

    assert list(ports.rows.stopped(1)) == []
    assert ports.rows.shared_rows(1, "", "~") == {}
    assert len(ports.segments.all(1)) == 1


def test_a_position_is_never_put_back(ports: Ports) -> None:
    """Sequence numbers are numbers, whatever their length."""

    def saved(number: str) -> str:
        position = Position(shard="shardId-0", sequence_number=number, recordedtime="", folded_at="")
        ports.positions.save(position, Deadline())
        return ports.positions.all()["shardId-0"].sequence_number

    assert [saved(number) for number in ("9", "10", "9", "10", "100", "99")] == ["9", "10", "10", "10", "100", "100"]
    longest = "9" * 129
    assert [saved(longest), saved("9" * 128)] == [longest] * 2
