"""A comparison finds every kind of difference and names the first ones, and none that is not there."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from lambdas.eventsourcing.segment_fold import Pace
from lambdas.eventsourcing.table_walk import TableWalk
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.comparison.account_check import NAMED, Difference, Findings
from lambdas.projections.comparison.comparison import Compared, Comparison, settled_before
from lambdas.projections.daily_totals import DAILY_TOTALS
from lambdas.projections.lag import Lag
from lambdas.projections.projection import AnyProjection
from lambdas.projections.read_model import AccountRow, Gate, Revoked
from lambdas.projections.registry import PROJECTIONS
from tests.support.clocks import START
from tests.support.event_rows import account_id
from tests.support.rebuilding import EVENTS, Ledger, Power, Powered, ShuffledWalk, World, send
from tests.support.runs import seeds
from tests.support.workloads import accounts, anything, credit, opening

ACCOUNTS = accounts(5)
LATER = format_timestamp(START + timedelta(days=1))
"""Everything that is recorded should have been folded."""

each_projection = pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)


def built(projection: AnyProjection, seed: int = 1, orders: int = 40) -> World:
    """A ledger after so many orders, and its read model."""
    rng, ledger = random.Random(seed), Ledger()
    send(ledger, [opening(each) for each in ACCOUNTS])
    send(ledger, [anything(rng, f"o{number}", ACCOUNTS) for number in range(orders)])
    world = World(projection, ledger)
    world.start(segments=1)
    world.run(world.process(), segments=1)
    return world


def compare(
    world: World,
    *,
    walk: TableWalk | None = None,
    settled: str = LATER,
    power: Power | None = None,
    told: Callable[[Pace], None] = lambda _: None,
    **options: Any,
) -> Compared:
    rows = Powered(world.rows, power) if power else world.rows
    comparison = Comparison(
        world.projection,
        walk or world.ledger.walk,
        world.ledger.reader,
        rows,
        world.accounts,
        **{"segments": 2, **options},
    )
    return comparison.compare(1, settled, told=told)


def row_of(world: World, account: str) -> AccountRow[Any]:
    return world.table.accounts[1, account]


def kept_of(world: World, account: str) -> Any:
    return row_of(world, account).kept


def spoil(world: World, account: str, **changes: Any) -> AccountRow[Any]:
    """Change the row of an account, as no projector would."""
    row = world.table.accounts[1, account]
    world.table.accounts[1, account] = replace(row, **changes)
    return row


@each_projection
@pytest.mark.parametrize("page_rows", [1, 3, 500])
def test_an_equal_read_model_has_no_differences(projection: AnyProjection, page_rows: int) -> None:
    world = built(projection)
    found = compare(world, walk=world.ledger.walk_in_pages_of(page_rows))
    assert found.equal
    assert (found.first, found.in_motion, found.late, found.rounds) == ((), 0, 0, 1)
    histories = world.ledger.histories()
    assert (found.accounts, found.events) == (len(histories), sum(map(len, histories.values())))
    assert found.shared == len(world.rows.shared_rows(1, "\x00", "\U0010ffff"))
    assert found.read_units > 0


@each_projection
@pytest.mark.generated
@pytest.mark.parametrize("seed", seeds(check=3, test=15, soak=500))
def test_the_order_of_rows_is_not_relied_on(projection: AnyProjection, seed: int) -> None:
    world = built(projection, seed)
    assert compare(world, walk=ShuffledWalk(world.ledger.walk, 2, random.Random(seed))).equal


class TestDifferences:
    """One of each kind is planted."""

    def test_what_is_kept(self) -> None:
        world = built(ACCOUNT_SUMMARIES)
        kept = kept_of(world, ACCOUNTS[0])
        spoil(world, ACCOUNTS[0], kept=replace(kept, balance=kept.balance + 1))
        found = compare(world)
        assert found.differences == {"kept": 1}
        (difference,) = found.first
        assert (difference.kind, difference.subject) == ("kept", ACCOUNTS[0])
        assert msgspec.json.decode(difference.expected)["balance"] == kept.balance
        assert msgspec.json.decode(difference.found)["balance"] == kept.balance + 1

    def test_every_field_of_what_is_kept(self) -> None:
        others = {"status": "closed", "currency": "JPY", "opened_at": "", "last_activity_at": ""}
        for name in ACCOUNT_SUMMARIES.keeps.__struct_fields__:
            world = built(ACCOUNT_SUMMARIES)
            spoil(
                world,
                ACCOUNTS[0],
                kept=replace(kept_of(world, ACCOUNTS[0]), **{name: others.get(name, 77777)}),
            )
            assert compare(world).differences == {"kept": 1}, name

    def test_nothing_is_kept(self) -> None:
        world = built(DAILY_TOTALS)
        spoil(world, ACCOUNTS[0], kept=None)
        assert compare(world).differences == {"kept": 1}

    @each_projection
    @pytest.mark.parametrize("by", [-1, 1, 1000])
    def test_the_version(self, projection: AnyProjection, by: int) -> None:
        """Behind: then what is kept is of a later event. Ahead: there is no such event."""
        world = built(projection)
        gate = row_of(world, ACCOUNTS[0]).gate
        spoil(world, ACCOUNTS[0], gate=replace(gate, version=gate.version + by))
        found = compare(world)
        assert found.differences["gate"] == 1
        assert [each.subject for each in found.first if each.kind == "gate"] == [ACCOUNTS[0]]

    @pytest.mark.parametrize("change", [{"rowhash": "of another history"}, {"recordedtime": LATER}])
    def test_the_gates_event(self, change: dict[str, Any]) -> None:
        world = built(ACCOUNT_SUMMARIES)
        spoil(world, ACCOUNTS[0], gate=replace(row_of(world, ACCOUNTS[0]).gate, **change))
        assert compare(world).differences == {"gate": 1}

    def test_a_missing_account(self) -> None:
        world = built(ACCOUNT_SUMMARIES)
        del world.table.accounts[1, ACCOUNTS[0]]
        found = compare(world)
        assert found.differences == {"missing": 1}
        assert found.first[0].subject == ACCOUNTS[0]

    def test_a_missing_account_of_totals_is_told_beside_what_it_has_added(self) -> None:
        world = built(DAILY_TOTALS)
        del world.table.accounts[1, ACCOUNTS[0]]
        assert compare(world).differences == {"missing": 1, "shared": 1}

    @each_projection
    def test_a_superfluous_account(self, projection: AnyProjection) -> None:
        world = built(projection)
        stray = account_id(99)
        world.table.accounts[1, stray] = AccountRow(stray, Gate(version=2), kept_of(world, ACCOUNTS[0]))
        found = compare(world)
        assert found.differences == {"superfluous": 1}
        assert (found.first[0].kind, found.first[0].subject) == ("superfluous", stray)

    @each_projection
    def test_an_account_that_a_restore_has_taken_back_to_nothing(self, projection: AnyProjection) -> None:
        """Its row keeps what was revoked, and nothing else."""
        world = built(projection)
        gone = account_id(99)
        world.table.accounts[1, gone] = AccountRow(gone, Gate(revoked=Revoked(0, "2026-03-02T00:00:00.000Z")))
        assert compare(world).equal

    @each_projection
    def test_an_account_whose_first_event_is_gone(self, projection: AnyProjection) -> None:
        """The event table is what counts, also where it lost something."""
        world = built(projection)
        table = world.ledger.client.tables[EVENTS]
        table.delete(ACCOUNTS[0], min(table.partitions[ACCOUNTS[0]]))
        assert compare(world).differences["superfluous"] == 1

    @pytest.mark.parametrize("by", [1, -3])
    @pytest.mark.parametrize("measure", ["events", "net", "opened", "nothing known"])
    def test_a_shared_row(self, measure: str, by: int) -> None:
        world = built(DAILY_TOTALS)
        ((_, key),) = world.table.shared
        row = world.table.shared[1, key]
        row[measure] = row.get(measure, 0) + by
        found = compare(world)
        assert found.differences == {"shared": 1}
        assert (found.first[0].subject, found.rounds) == (key, 2), "a shared row is looked at twice"
        assert measure in found.first[0].found

    @pytest.mark.parametrize("missing", [True, False])
    def test_a_whole_shared_row(self, missing: bool) -> None:
        world = built(DAILY_TOTALS)
        if missing:
            world.table.shared.clear()
        else:
            world.table.shared[1, "EUR#1999-01-01"] = {"events": 1}
        assert compare(world).differences == {"shared": 1}

    def test_a_row_of_zeros_is_no_difference(self) -> None:
        """Additions may come to nothing."""
        world = built(DAILY_TOTALS)
        world.table.shared[1, "EUR#1999-01-01"] = {"net": 0}
        assert compare(world).equal

    def test_another_generation_is_none(self) -> None:
        world = built(ACCOUNT_SUMMARIES)
        world.table.accounts[2, account_id(99)] = AccountRow(account_id(99), Gate(version=2))
        assert compare(world).equal

    def test_events_that_should_have_been_folded(self) -> None:
        """The stream lost them, and no later event of the account has told so yet."""
        world = built(ACCOUNT_SUMMARIES)
        send(world.ledger, [credit("lost", ACCOUNTS[0], 1)])
        found = compare(world)
        assert found.differences == {"behind": 1}
        assert found.first[0].subject == ACCOUNTS[0]
        version = row_of(world, ACCOUNTS[0]).gate.version
        assert found.first[0].expected.startswith(f"event {version + 1}, recorded at ")

    def test_an_event_that_cannot_be_folded_behind_a_gate(self) -> None:
        world = built(ACCOUNT_SUMMARIES)
        world.ledger.client.tables[EVENTS].between(ACCOUNTS[0], None, None)[0]["data"] = {"S": "{}"}
        found = compare(world)
        assert found.differences == {"gate": 1}
        assert found.first[0].expected.startswith("no event 1: ")

    def test_a_projection_that_raises(self) -> None:
        """Its module was changed since: what it did once it does not any more."""

        def broken(kept: Any, event: Any) -> Any:
            if event.streamversion == 2:
                raise ZeroDivisionError("by a bug")
            return ACCOUNT_SUMMARIES.fold(kept, event)

        world = built(ACCOUNT_SUMMARIES)
        world.projection = replace(ACCOUNT_SUMMARIES, fold=broken)
        found = compare(world)
        assert found.differences["gate"] >= 1
        assert "ZeroDivisionError: by a bug" in found.first[0].expected

    def test_the_first_are_named_and_all_are_counted(self) -> None:
        world = built(ACCOUNT_SUMMARIES)
        strays = [account_id(number) for number in range(100, 100 + 3 * NAMED)]
        for stray in strays:
            world.table.accounts[1, stray] = AccountRow(stray, Gate(version=1), kept_of(world, ACCOUNTS[0]))
        found = compare(world)
        assert found.differences == {"superfluous": 3 * NAMED}
        assert len(found.first) == NAMED
        assert {each.subject for each in found.first} <= set(strays)

    def test_no_more_are_in_memory_than_are_named(self) -> None:
        findings = Findings()
        for number in range(3 * NAMED):
            findings.tell(Difference("missing", str(number), "", ""))
        assert (len(findings.named), findings.counts) == (NAMED, {"missing": 3 * NAMED})


class TestWhatIsNoDifference:
    """Accounts that are stopped, or only a moment behind."""

    def test_a_stopped_account_must_be_the_fold_up_to_its_gate(self) -> None:
        world = built(ACCOUNT_SUMMARIES)
        send(world.ledger, [credit("poison", ACCOUNTS[0], 1)])
        gate = row_of(world, ACCOUNTS[0]).gate
        spoil(world, ACCOUNTS[0], gate=replace(gate, stopped="Event cannot be read."))
        found = compare(world)
        assert (found.stopped, found.differences) == (1, {})
        kept = kept_of(world, ACCOUNTS[0])
        spoil(world, ACCOUNTS[0], kept=replace(kept, balance=-1))
        assert compare(world).differences == {"kept": 1}

    def test_an_account_that_was_stopped_before_its_first_event(self) -> None:
        ledger = Ledger()
        send(ledger, [opening(ACCOUNTS[0])])
        ledger.client.tables[EVENTS].between(ACCOUNTS[0], None, None)[0]["data"] = {"S": "{}"}
        world = World(ACCOUNT_SUMMARIES, ledger)
        world.start(segments=1)
        world.run(world.process(), segments=1)
        found = compare(world)
        assert (found.accounts, found.stopped, found.differences) == (1, 1, {})

    @each_projection
    def test_what_was_recorded_just_now_may_still_be_on_its_way(self, projection: AnyProjection) -> None:
        world = built(projection)
        before = format_timestamp(world.ledger.clock())
        send(world.ledger, [credit("late", ACCOUNTS[0], 1), opening(account_id(88))])
        found = compare(world, settled=before)
        assert (found.late, found.differences) == (1, {})
        assert compare(world, settled=LATER).differences["missing"] == 1

    def test_what_should_have_been_folded_is_told_by_the_lag(self) -> None:
        lag = Lag(events=3, seconds=90.5, measured_at=format_timestamp(START))
        assert settled_before(lag, START + timedelta(hours=1)) == "2026-03-01T11:57:29.500Z"
        assert settled_before(None, START) == "2026-03-01T11:59:00.000Z"


class TestLiveEvents:
    """The generation is live: gates move while they are compared."""

    @each_projection
    @pytest.mark.generated
    @pytest.mark.parametrize("seed", seeds(check=5, test=30, soak=500))
    def test_none_leads_to_a_false_difference(self, projection: AnyProjection, seed: int) -> None:
        """Between any two requests orders are carried out and events folded, of old accounts and new ones."""
        world = built(projection, seed)
        live = Live(world, random.Random(seed))
        power = Power()
        power.meanwhile = live.something_happens
        found = compare(
            world, walk=Powered(world.ledger.walk_in_pages_of(7), power), power=power, segments=1,
            settled=format_timestamp(world.ledger.clock()),
        )  # fmt: skip
        assert found.equal, found.first
        assert live.happened

    def test_a_shared_row_in_motion_is_repeated_and_then_told(self) -> None:
        world = built(DAILY_TOTALS)
        live = Live(world, random.Random(1), chance=1.0)
        power = Power()
        power.meanwhile = live.something_happens
        found = compare(world, walk=Powered(world.ledger.walk_in_pages_of(7), power), segments=1, rounds=3)
        ((_, key),) = world.table.shared
        assert (found.in_motion, found.moving, found.shared, found.rounds) == (1, (key,), 0, 3)
        assert found.equal

    def test_a_shared_row_that_comes_to_rest_is_compared(self) -> None:
        world = built(DAILY_TOTALS)
        live = Live(world, random.Random(1), chance=1.0, most=3)
        power = Power()
        power.meanwhile = live.something_happens
        walk = Powered(world.ledger.walk_in_pages_of(7), power)
        found = compare(world, walk=walk, segments=1, rounds=3)
        assert (found.in_motion, found.shared, found.rounds, found.differences) == (0, 1, 2, {})

    def test_a_difference_in_a_row_in_motion_is_found_when_it_rests(self) -> None:
        world = built(DAILY_TOTALS)
        ((_, key),) = world.table.shared
        world.table.shared[1, key]["events"] += 1
        live = Live(world, random.Random(1), chance=1.0, most=3)
        power = Power()
        power.meanwhile = live.something_happens
        found = compare(world, walk=Powered(world.ledger.walk_in_pages_of(7), power), segments=1, rounds=3)
        assert found.differences == {"shared": 1}


def test_the_pace_of_its_walk_is_told() -> None:
    world = built(ACCOUNT_SUMMARIES)
    told: list[Pace] = []
    found = compare(world, walk=world.ledger.walk_in_pages_of(10), told=told.append)
    assert told[-1].rows == found.events
    assert told[-1].segments_done == 2


def test_an_interruption_ends_it() -> None:
    world = built(ACCOUNT_SUMMARIES)

    def interrupt(_: Pace) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(world, told=interrupt)


def test_differences_have_an_order() -> None:
    """So that what is named does not depend on threads."""
    assert Difference("behind", "a", "", "") < Difference("gate", "a", "", "")


class Live:
    """Orders and their events, beside a comparison."""

    def __init__(self, world: World, rng: random.Random, *, chance: float = 0.5, most: int = 10**9) -> None:
        self._world, self._rng, self._chance, self._most = world, rng, chance, most
        self.happened = 0

    def something_happens(self) -> None:
        """An order, and what it led to goes through the stream."""
        if self._rng.random() >= self._chance or self.happened == self._most:
            return
        self.happened += 1
        before = {each: len(events) for each, events in self._world.ledger.histories().items()}
        order = credit(f"live-{self.happened}", self._rng.choice(ACCOUNTS), 1)
        if self._rng.random() < 0.2:
            order = opening(account_id(1000 + self.happened))
        send(self._world.ledger, [order])
        histories = self._world.ledger.histories()
        self._world.deliver(event for each, events in histories.items() for event in events[before.get(each, 0) :])
