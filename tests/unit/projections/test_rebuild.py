"""A rebuild is killed anywhere and goes on, and meets live events, another rebuild, shuffled and unreadable rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.table_walk import TableWalk, WalkedPage
from lambdas.projections.errors import ControlError, RebuildRunningError
from lambdas.projections.folding.folder import MOST_FILLED_GAP
from lambdas.projections.projection import AnyProjection
from lambdas.projections.rebuild import SettleStep, WalkStep
from lambdas.projections.registry import PROJECTIONS
from tests.support.clocks import SimulatedTime
from tests.support.event_rows import account_id
from tests.support.read_models import fake_ports
from tests.support.rebuilding import AT, EVENTS, KilledError, Ledger, Power, ShuffledWalk, World, send
from tests.support.runs import seeds
from tests.support.workloads import accounts, anything, credit, opening

SEGMENTS = 2
ACCOUNTS = accounts(5)

PLACES = ["memory", "fake"]

each_projection = pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)


def busy(seed: int, orders: int = 40) -> Ledger:
    """A ledger after so many orders at random."""
    ledger, rng = Ledger(), random.Random(seed)
    send(ledger, [opening(each) for each in ACCOUNTS])
    send(ledger, [anything(rng, f"o{number}", ACCOUNTS) for number in range(orders)])
    return ledger


def new_world(place: str, projection: AnyProjection, ledger: Ledger) -> World:
    """A read model in memory, or in the table of a fake DynamoDB."""
    return World(projection, ledger, ports=fake_ports(projection) if place == "fake" else None)


def long_account(ledger: Ledger, account: str, events: int) -> None:
    """An account with so many events, in its chain of nothing else."""
    send(ledger, [opening(account)])
    send(ledger, [credit(f"{account}-{number}", account, 1) for number in range(events - 1)])


def history(world: World, account: str) -> list[AccountDomainEvent]:
    return world.ledger.histories()[account]


@each_projection
def test_a_rebuild_gives_the_fold_of_all_events(projection: AnyProjection) -> None:
    world = World(projection, busy(1))
    world.start(segments=SEGMENTS)
    steps = world.run(world.process(workers=4), segments=SEGMENTS)
    world.assert_equals_fold()
    assert sum(step.folded for step in steps) == sum(map(len, world.ledger.histories().values()))
    assert sum(step.rows for step in steps) == sum(each.rows for each in world.segments.all(1))


def test_the_first_generation_is_live_at_once_and_the_next_one_stands_beside_it() -> None:
    world = World(PROJECTIONS[0], busy(2))
    world.start()
    world.run(world.process())
    assert (world.control.read().live, world.control.read().building) == (1, None)
    world.start("second")
    world.run(world.process(), "second", generation=2)
    control = world.control.read()
    assert (control.live, control.building.generation, control.building.state) == (1, 2, "built")
    world.assert_equals_fold(1)
    world.assert_equals_fold(2)


@each_projection
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("taken_over", [False, True], ids=["started again", "taken over"])
def test_a_rebuild_that_is_killed_at_any_request_goes_on(
    projection: AnyProjection, after: bool, taken_over: bool, place: str
) -> None:
    """Two accounts were left to the walk when it had passed them: only the last step folds them."""
    dies_at = 0
    while True:
        dies_at += 1
        world = new_world(place, projection, busy(3))
        world.start(segments=SEGMENTS)
        for each in ACCOUNTS[:2]:
            assert world.rows.defer(1, each, "first", Deadline())
        power = Power(dies_at, after=after)
        walk = PassingWalk(world.ledger.walk_in_pages_of(9), ACCOUNTS[:2])
        try:
            world.run(world.process(power, walk=walk), segments=SEGMENTS)
        except KilledError:
            pass
        else:
            break
        rebuild = "first"
        if taken_over and world.control.read().building is not None:
            world.take_over(rebuild := "second")
        world.run(world.process(walk=walk), rebuild, segments=SEGMENTS)
        world.assert_equals_fold()
        assert not list(world.rows.deferred(1))
        assert world.control.read().live == 1
    assert dies_at > 30


def test_what_was_walked_is_not_walked_again() -> None:
    world = World(PROJECTIONS[0], busy(4))
    world.start(segments=1)
    step = WalkStep(generation=1, rebuild="first", segment=0, segments=1)
    time = SimulatedTime()
    late = Deadline(0, time.monotonic)
    walk = world.ledger.walk_in_pages_of(10)
    first = world.process(walk=walk).walk(step, late, Deadline())
    assert (first.rows, first.done) == (10, False), "a step does one page, however late it is"
    second = world.process(walk=walk).walk(step, late, Deadline())
    assert (second.rows, second.done) == (10, False)
    assert world.segments.load(1, 0).rows == 20


def test_a_step_ends_when_its_time_is_near_and_goes_on_in_the_next() -> None:
    world = World(PROJECTIONS[0], busy(5))
    world.start(segments=1)
    time = SimulatedTime()
    power = Power()
    power.meanwhile = lambda: time.sleep(0.5)
    process = world.process(power, walk=world.ledger.walk_in_pages_of(5))
    step = WalkStep(generation=1, rebuild="first", segment=0, segments=1)
    steps = 0
    while True:
        begin, end = Deadline(20, time.monotonic), Deadline(60, time.monotonic)
        started = time.monotonic()
        done = process.walk(step, begin, end)
        steps += 1
        assert time.monotonic() - started <= 20 + 10
        if done.done:
            break
    assert steps > 1
    world.process().settle(SettleStep(generation=1, rebuild="first"), Deadline(), Deadline())
    world.assert_equals_fold()


def test_an_account_that_time_does_not_suffice_for_is_begun_again_and_comes_to_its_end() -> None:
    """The page waits until its gaps are filled; each time they are filled a part."""
    ledger = Ledger()
    long_account(ledger, ACCOUNTS[0], 1700)
    world = World(PROJECTIONS[0], ledger)
    world.start(segments=1)
    last = ledger.client.tables[EVENTS].between(ACCOUNTS[0], None, None)[-1]

    class OnlyTheLast:
        def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> Any:
            page = ledger.walk.page(segment, segments, after, deadline)
            return type(page)(
                [each for each in page.rows if each.version == int(last["version"]["N"])], page.after, 1.0
            )

    time = SimulatedTime()
    power = Power()
    power.meanwhile = lambda: time.sleep(1.0)
    process = world.process(power, walk=OnlyTheLast())
    step = WalkStep(generation=1, rebuild="first", segment=0, segments=1)
    unfinished = 0
    while not process.walk(step, Deadline(6, time.monotonic), Deadline(9, time.monotonic)).done:
        unfinished += 1
        assert unfinished < 20
    assert unfinished
    world.process().settle(SettleStep(generation=1, rebuild="first"), Deadline(), Deadline())
    world.assert_equals_fold()


class PassingWalk:
    """A walk that had passed some accounts before their events were recorded."""

    def __init__(self, walk: TableWalk, passed: Sequence[str]) -> None:
        self._walk, self._passed = walk, passed

    def page(self, segment: int, segments: int, after: str, deadline: Deadline) -> WalkedPage:
        """See TableWalk.page."""
        page = self._walk.page(segment, segments, after, deadline)
        rows = [each for each in page.rows if each.stream_id not in self._passed]
        return WalkedPage(rows, page.after, page.read_units)


class TestTwoRebuilds:
    """One at a time; the other is refused by the name of the first."""

    def test_a_second_one_is_refused_by_the_name_of_the_first(self) -> None:
        world = World(PROJECTIONS[0], busy(6))
        world.start("account-summaries-1-monday")
        with pytest.raises(RebuildRunningError, match="account-summaries-1-monday"):
            world.control.read().started("account-summaries-2-tuesday", segments=2, at=AT)

    def test_a_run_that_the_control_row_does_not_name_is_refused(self) -> None:
        world = World(PROJECTIONS[0], busy(6))
        world.start("first")
        with pytest.raises(RebuildRunningError, match="first"):
            world.process().walk(WalkStep(1, "other", 0, 2), Deadline(), Deadline())
        with pytest.raises(RebuildRunningError, match="first"):
            world.process().settle(SettleStep(1, "other"), Deadline(), Deadline())
        assert not world.table.accounts

    def test_a_zombie_stops_at_its_next_page_and_does_no_harm(self) -> None:
        """It was taken over while it folded a page. What it folds goes through the gates, its progress is refused."""
        world = World(PROJECTIONS[1], busy(7))
        world.start("zombie", segments=1)
        power = Power()
        zombie = world.process(power, walk=world.ledger.walk_in_pages_of(8))

        def take_over() -> None:
            if power.requests == 12:
                world.take_over("heir")

        power.meanwhile = take_over
        with pytest.raises(RebuildRunningError, match="heir"):
            zombie.walk(WalkStep(1, "zombie", 0, 1), Deadline(), Deadline())
        assert all(each.rebuild == "zombie" for each in world.segments.all(1))
        world.run(world.process(), "heir", segments=1)
        with pytest.raises(ControlError):
            world.segments.save(world.segments.load(1, 0))
        world.assert_equals_fold()

    def test_a_zombie_does_not_settle(self) -> None:
        """Between its look at the control row and its change, another one takes over."""
        world = World(PROJECTIONS[0], busy(8))
        world.start("zombie", segments=1)
        world.process().walk(WalkStep(1, "zombie", 0, 1), Deadline(), Deadline())
        power = Power()

        def take_over() -> None:
            if power.requests == 3:
                world.take_over("heir")

        power.meanwhile = take_over
        with pytest.raises(RebuildRunningError, match="heir"):
            world.process(power).settle(SettleStep(1, "zombie"), Deadline(), Deadline())
        assert world.control.read().building.state == "walking"

    def test_a_dropped_generation_is_not_walked_any_more(self) -> None:
        world = World(PROJECTIONS[0], busy(9))
        world.start(segments=1)
        power = Power()
        process = world.process(power, walk=world.ledger.walk_in_pages_of(8))

        def drop() -> None:
            if power.requests == 12:
                world.control.change(world.control.read(), world.control.read().dropped())

        power.meanwhile = drop
        with pytest.raises(ControlError):
            process.walk(WalkStep(1, "first", 0, 1), Deadline(), Deadline())
        with pytest.raises(ControlError, match="not being built"):
            process.settle(SettleStep(1, "first"), Deadline(), Deadline())

    def test_another_number_of_segments_is_refused(self) -> None:
        """A continuation is only good among as many segments."""
        world = World(PROJECTIONS[0], busy(9))
        world.start(segments=4)
        for segment, segments in ((0, 5), (4, 4)):
            with pytest.raises(ControlError, match="4 segments"):
                world.process().walk(WalkStep(1, "first", segment, segments), Deadline(), Deadline())


class TestSettling:
    """The last step, which may be repeated."""

    def test_a_segment_that_is_not_walked_to_its_end_is_walked_first(self) -> None:
        """A note of its progress arrived late, and put it back; or it was never walked at all."""
        world = World(PROJECTIONS[0], busy(10))
        world.start(segments=3)
        walk = world.ledger.walk_in_pages_of(5)
        process = world.process(walk=walk)
        late = Deadline(0, SimulatedTime().monotonic)
        for segment in (0, 2):
            process.walk(WalkStep(1, "first", segment, 3), late, Deadline())
        early = world.segments.load(1, 2)
        process.walk(WalkStep(1, "first", 2, 3), Deadline(), Deadline())
        world.segments.save(early)
        steps = []
        while not (done := process.settle(SettleStep(1, "first"), late, Deadline())).done:
            assert world.control.read().building.state == "walking"
            steps.append(done.rows)
        assert steps
        assert all(each.done for each in world.segments.all(1))
        world.assert_equals_fold()

    def test_steps_that_come_again_find_nothing_left(self) -> None:
        """Also a step of the walk, when a run that died while it settled is started again."""
        world = World(PROJECTIONS[0], busy(11))
        world.start(segments=1)
        world.run(world.process(), segments=1)
        before = dict(world.table.accounts)
        again = world.run(world.process(), segments=1)
        assert [(each.done, each.rows, each.folded) for each in again] == [(True, 0, 0)] * 2
        assert world.table.accounts == before

    def test_it_goes_on_in_the_next_step_when_time_is_near(self) -> None:
        world = World(PROJECTIONS[0], busy(12))
        world.start(segments=1)
        many = [account_id(number) for number in range(1000, 1250)]
        for each in many:
            world.rows.defer(1, each, "first", Deadline())
        process = world.process()
        process.walk(WalkStep(1, "first", 0, 1), Deadline(), Deadline())
        late = Deadline(0, SimulatedTime().monotonic)
        settle = SettleStep(1, "first")
        left = []
        while not process.settle(settle, late, Deadline()).done:
            left.append(len(list(world.rows.deferred(1))))
        assert left[:2] == [150, 50]
        assert world.control.read().live == 1

    def test_an_operator_may_change_the_control_row_meanwhile(self) -> None:
        world = World(PROJECTIONS[0], busy(13))
        world.start(segments=1)
        world.run(world.process(), segments=1)
        world.start("second", segments=1)
        process = world.process(power := Power())
        process.walk(WalkStep(2, "second", 0, 1), Deadline(), Deadline())
        changed: list[Any] = []

        def change() -> None:
            if power.requests == 4 and not changed:
                control = world.control.read()
                changed.append(control)
                world.control.change(control, type(control)(**{**_fields(control), "newest": control.newest + 1}))

        power.requests = 0
        power.meanwhile = change
        assert process.settle(SettleStep(2, "second"), Deadline(), Deadline()).done
        assert changed
        assert world.control.read().building.state == "built"


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


@each_projection
@pytest.mark.generated
@pytest.mark.parametrize("seed", seeds(check=5, test=20, soak=500))
def test_the_order_of_rows_is_not_relied_on(projection: AnyProjection, seed: int) -> None:
    """Rows of one account come in several segments, in any order, and pages may be empty."""
    world = World(projection, busy(seed))
    world.start(segments=3)
    walk = ShuffledWalk(world.ledger.walk, 3, random.Random(seed))
    world.run(world.process(walk=walk), segments=3)
    world.assert_equals_fold()


class TestUnreadableRows:
    """They stop their account in the new generation, and no other one."""

    @pytest.mark.parametrize("place", [1, 2, 4])
    @pytest.mark.parametrize(
        ("spoil", "why"),
        [
            (lambda item: item.pop("commit_id"), "no attribute commit_id"),
            (lambda item: item.pop("recorded_at"), "no attribute recorded_at"),
            (lambda item: item.update(type={"S": "AccountBlessed"}), "AccountBlessed"),
            (lambda item: item.update(data={"S": "{}"}), "missing required field"),
        ],
        ids=["corrupt", "corrupt without a time", "unknown type", "data"],
    )
    @pytest.mark.parametrize("page_rows", [1, 500])
    def test_the_account_stops_before_it(
        self, place: int, spoil: Callable[[dict[str, Any]], Any], why: str, page_rows: int
    ) -> None:
        world = World(PROJECTIONS[0], Ledger())
        first, other = ACCOUNTS[:2]
        for each in (first, other):
            long_account(world.ledger, each, 5)
        item = world.ledger.client.tables[EVENTS].between(first, Decimal(place), Decimal(place))[0]
        spoil(item)
        world.start(segments=1)
        steps = world.run(world.process(walk=world.ledger.walk_in_pages_of(page_rows)), segments=1)
        stopped, fine = (world.rows.rows(1, [each])[each] for each in (first, other))
        assert (fine.gate.version, fine.gate.stopped) == (5, "")
        assert stopped.gate.version == place - 1
        assert why in stopped.gate.stopped
        told = [each for step in steps for each in step.stopped]
        assert [(each.account_id, each.version) for each in told] == [(first, place - 1)]


class TestLiveEvents:
    """Events are recorded and published while the event table is walked."""

    @each_projection
    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.generated
    @pytest.mark.parametrize("seed", seeds(check=3, test=15, soak=400))
    def test_they_meet_the_walk_at_any_moment(self, projection: AnyProjection, seed: int, place: str) -> None:
        """Between any two requests of the rebuild orders are carried out and batches of the stream are folded, and the
        rebuild dies and is started again, or taken over.

        The stream is late, cut anywhere, and repeats itself; accounts are new, or long enough to be left to the walk.
        """
        rng = random.Random(seed)
        world = new_world(place, projection, busy(seed, orders=10))
        long_account(world.ledger, ACCOUNTS[-1], 5 + rng.randint(0, 1) * (MOST_FILLED_GAP + 3))
        stream = Stream(world, rng)
        stream.skip()
        world.start(segments=SEGMENTS)
        walk = world.ledger.walk_in_pages_of(rng.choice((3, 20, 500)))
        rebuild = "first"
        for life in range(4):
            power = Power(rng.randint(1, 60) if life < 3 else None, after=rng.random() < 0.5)
            power.meanwhile = stream.something_happens
            with suppress(KilledError):
                world.run(world.process(power, walk=walk), rebuild, segments=SEGMENTS)
            if rng.random() < 0.5 and world.control.read().building is not None:
                world.take_over(rebuild := f"heir-{life}")
        stream.deliver_rest()
        world.assert_equals_fold()
        assert not list(world.rows.deferred(1))

    @pytest.mark.parametrize("passed", [False, True], ids=["the walk comes later", "the walk has passed"])
    def test_an_event_far_ahead_is_left_to_the_walk_and_settled(self, passed: bool) -> None:
        world = World(PROJECTIONS[1], Ledger())
        account = ACCOUNTS[0]
        long_account(world.ledger, account, MOST_FILLED_GAP + 10)
        world.start(segments=1)
        walk = WalkStep(1, "first", 0, 1)
        if passed:
            hidden = world.ledger.client.tables[EVENTS].partitions.pop(account)
            world.process().walk(walk, Deadline(), Deadline())
            world.ledger.client.tables[EVENTS].partitions[account] = hidden
        world.deliver(history(world, account)[-1:])
        assert list(world.rows.deferred(1)) == [account]
        assert account not in world.rows.rows(1, [account])
        world.run(world.process(), segments=1)
        world.assert_equals_fold()

    def test_once_it_settles_nothing_is_left_to_the_walk(self) -> None:
        """An event that comes between the walk's end and the generation's is folded by who got it."""
        world = World(PROJECTIONS[0], Ledger())
        account = ACCOUNTS[0]
        world.start(segments=1)
        process = world.process()
        process.walk(WalkStep(1, "first", 0, 1), Deadline(), Deadline())
        control = world.control.read()
        world.control.change(control, control.settling("first"))
        long_account(world.ledger, account, MOST_FILLED_GAP + 10)
        world.deliver(history(world, account)[-1:])
        assert not list(world.rows.deferred(1))
        process.settle(SettleStep(1, "first"), Deadline(), Deadline())
        world.assert_equals_fold()

    def test_an_account_is_opened_behind_the_walk(self) -> None:
        world = World(PROJECTIONS[0], busy(14))
        world.start(segments=1)
        process = world.process()
        process.walk(WalkStep(1, "first", 0, 1), Deadline(), Deadline())
        new = account_id(77)
        long_account(world.ledger, new, 3)
        world.deliver(history(world, new))
        process.settle(SettleStep(1, "first"), Deadline(), Deadline())
        world.assert_equals_fold()


class Stream:
    """Commands and the stream of domain events, beside a rebuild."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._rng = rng
        self._delivered: dict[str, int] = {}
        self._orders = 0
        self._busy = False

    def skip(self) -> None:
        """What is recorded now was delivered long ago."""
        self._delivered = {each: len(events) for each, events in self._world.ledger.histories().items()}

    def something_happens(self) -> None:
        """Mostly nothing. Not within itself: what happens needs no power."""
        if self._rng.random() < 0.7:
            return
        if self._rng.random() < 0.5:
            self._orders += 1
            some = [*ACCOUNTS, account_id(self._rng.randint(50, 55))]
            send(self._world.ledger, [self._order(some)])
        else:
            self._deliver(0.6)

    def deliver_rest(self) -> None:
        """Everything that is recorded."""
        self._deliver(1.0)
        assert not list(self._late())

    def _order(self, some: list[str]) -> Any:
        label = f"live-{self._orders}"
        if self._rng.random() < 0.3:
            return opening(self._rng.choice(some))
        return anything(self._rng, label, some)

    def _late(self) -> Iterator[tuple[str, list[AccountDomainEvent]]]:
        for account, events in self._world.ledger.histories().items():
            new = events[self._delivered.get(account, 0) :]
            if new:
                yield account, new

    def _deliver(self, chance: float) -> None:
        batch: list[AccountDomainEvent] = []
        for account, new in self._late():
            if self._rng.random() < chance:
                some = new if chance == 1 else new[: self._rng.randint(1, len(new))]
                batch += some
                self._delivered[account] = some[-1].streamversion
        if self._rng.random() < 0.3:
            self._rng.shuffle(batch)
        self._world.deliver(batch)
        if self._rng.random() < 0.2:
            self._world.deliver(batch)
