"""An account as the ledger knew it at a moment: always the same answer, or one that says it may change."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from lambdas.accounts.commands import AccountCommand, CreditAccount, OpenAccount
from lambdas.accounts.errors import DomainError, InvalidFieldError
from lambdas.eventsourcing.errors import StoreUnavailableError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.timestamps import format_timestamp, parse_timestamp
from lambdas.service.account_service import AccountAt, AccountService, CommandContext
from tests.support.bank import account_id, new_bank
from tests.support.clocks import START, SimulatedTime
from tests.support.dynamodb_tables import store_on
from tests.support.faults import MISHAPS, Effect, FaultyClient, at_random
from tests.support.observed import observed_fake
from tests.support.runs import seeds
from tests.support.set_clock import SetClock

A, B = account_id(1), account_id(2)
SEEDS = seeds(check=15, test=60, soak=5_000)
ENOUGH = 15
"""In so many runs an answer that was not settled has changed."""
CONTEXT = CommandContext("command", "correlation", "tester")
OPEN = OpenAccount(currency="EUR")
MILLISECOND = timedelta(milliseconds=1)
MINUTES = timedelta(minutes=1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def bank(clock: SetClock) -> AccountService:
    """Account A, opened at the start and credited 20 seconds later."""
    bank = new_bank(InMemoryEventStore(), clock)
    bank.execute(OpenAccount(currency="EUR"), A, CONTEXT)
    clock.set(20)
    bank.execute(CreditAccount(amount=100), A, CONTEXT)
    return bank


@pytest.mark.parametrize(
    ("asked", "now", "version", "settled"),
    [
        (-0.001, 20, 0, True),
        (0, 20, 1, True),
        (19.999, 20, 1, True),
        (20, 20, 2, False),
        (20, 40, 2, False),
        (20, 40.001, 2, True),
        (25, 45, 2, False),
        (25, 45.001, 2, True),
        (40, 40, 2, False),
        (340, 40, 2, False),
    ],
)
def test_moments(bank: AccountService, clock: SetClock, asked: float, now: float, version: int, settled: bool) -> None:
    """Nothing is booked before the newest event, nor, 20 seconds later, at a moment."""
    clock.set(now)
    found = bank.account_at(A, START + timedelta(seconds=asked))
    assert (found.account.version, found.settled) == (version, settled)


def test_an_account_that_may_appear_yet(bank: AccountService, clock: SetClock) -> None:
    clock.set(100)
    for seconds, settled in ((79.999, True), (80, False), (100, False)):
        found = bank.account_at(B, START + timedelta(seconds=seconds))
        assert (found.account.version, found.settled) == (0, settled)
    assert bank.account_at(B, START + timedelta(seconds=100) + 5 * MINUTES).account.version == 0


@pytest.mark.parametrize("ahead", [timedelta(0), MILLISECOND, MINUTES, 60 * MINUTES])
def test_a_booking_time_can_always_be_asked_for(bank: AccountService, clock: SetClock, ahead: timedelta) -> None:
    """Also one that another clock gave and that is still to come on this one."""
    clock.now += ahead
    answered = bank.execute(CreditAccount(amount=1), A, CONTEXT)
    stamp = answered.streams[0].recorded_at  # type: ignore[union-attr]
    clock.set(20)

    found = bank.account_at(A, parse_timestamp(stamp))

    assert (found.account.version, found.account.recorded_at, found.settled) == (3, stamp, False)
    later = bank.execute(CreditAccount(amount=1), A, CONTEXT)
    assert later.streams[0].recorded_at == max(stamp, format_timestamp(clock.now))  # type: ignore[union-attr]
    assert bank.account_at(A, parse_timestamp(stamp)).account.version == 4, "of the same millisecond"


@pytest.mark.parametrize(
    "moment", [START + timedelta(seconds=20) + 5 * MINUTES + MILLISECOND, datetime.max.replace(tzinfo=UTC)]
)
def test_the_future_cannot_be_asked(bank: AccountService, moment: datetime) -> None:
    for each in (A, B):  # also of one that does not exist
        with pytest.raises(InvalidFieldError, match="more than 5 minutes in the future") as refused:
            bank.account_at(each, moment)
        assert refused.value.field == "at"


def test_beyond_a_booking_time_far_ahead_is_the_future_again(bank: AccountService, clock: SetClock) -> None:
    clock.now += 60 * MINUTES
    bank.execute(CreditAccount(amount=1), A, CONTEXT)
    stamp = clock.now
    clock.set(20)
    assert bank.account_at(A, stamp - MILLISECOND).account.version == 2
    assert bank.account_at(A, stamp).account.version == 3
    with pytest.raises(InvalidFieldError):
        bank.account_at(A, stamp + MILLISECOND)


def test_two_clocks_that_are_both_off_just_so_far_that_nobody_is_alarmed() -> None:
    """The reader's is fast, the writer's is slow, and two answers are lost before the attempt that is written."""
    time, observed, seen = SimulatedTime(), observed_fake(), []
    reader = new_bank(store_on(observed.client, observed.tables), lambda: time.wall(4.9))
    new_bank(store_on(observed.client, observed.tables), lambda: time.wall(-4.9)).execute(OPEN, A, CONTEXT)
    time.sleep(100)
    moment = time.wall(-4.8)

    class Slow:
        query, attempts = observed.client.query, 0

        def transact_write_items(self, **request: Any) -> Any:
            return self.sent(observed.client.transact_write_items, request)

        def put_item(self, **request: Any) -> Any:
            return self.sent(observed.client.put_item, request)

        def sent(self, send: Callable[..., Any], request: dict[str, Any]) -> Any:
            self.attempts += 1
            if self.attempts < 3:
                time.sleep(3.1)
                raise ReadTimeoutError(endpoint_url="https://x")
            seen.append(reader.account_at(A, moment))
            return send(**request)

    backoff = Backoff(sleep=lambda _: None)
    writer = new_bank(
        store_on(Slow(), observed.tables, backoff=backoff),
        lambda: time.wall(-4.9),
        backoff=backoff,
        new_deadline=lambda: Deadline(monotonic=time.monotonic),
    )
    writer.execute(CreditAccount(amount=5), A, CONTEXT)
    assert [(each.account.version, each.settled) for each in seen] == [(1, False)]
    assert reader.account_at(A, moment).account.version == 2


ON_TIME = [each for each in MISHAPS if each.effect is not Effect.LATER]
"""What arrives after everybody has stopped waiting is apart: no number of seconds is enough for that."""
LOST = [each for each in ON_TIME if each.name == "request lost"]


class Watched:
    """A process whose writes go wrong, and one that asks all the time; their clocks are each up to 5 seconds off."""

    def __init__(self, seed: int) -> None:
        self.rng, self.time, observed = random.Random(seed), SimulatedTime(), observed_fake()
        apart = self.rng.choice((-4.9, -2.5, 0.0, 2.5, 4.9))
        self.now = partial(self.time.wall, apart)
        self.seen: list[tuple[datetime, AccountAt]] = []
        self.reader = new_bank(store_on(observed.client, observed.tables), self.now)
        schedule = at_random(self.rng, self.rng.choice((0.5, 0.9)), self.rng.choice((ON_TIME, LOST)))
        client = FaultyClient(observed.client, self.rng, self.time, schedule=schedule, meanwhile=self.ask)
        backoff = Backoff(sleep=self.time.sleep, uniform=self.rng.uniform)
        self.writer = new_bank(
            store_on(client, observed.tables, backoff=backoff),
            lambda: self.time.wall(-apart),
            backoff=backoff,
            new_deadline=lambda: Deadline(monotonic=self.time.monotonic),
        )

    def ask(self) -> None:
        """About moments that are just over or to come."""
        for earliest, latest in ((0, 0), (0, 5), (0, 25), (15, 25), (-60, 60)):
            moment = self.now() - timedelta(seconds=self.rng.uniform(earliest, latest))
            moment = parse_timestamp(format_timestamp(moment))
            self.seen.append((moment, self.reader.account_at(A, moment)))

    def run(self) -> None:
        """A few commands, some right after each other."""
        commands: list[AccountCommand] = [OpenAccount(currency="EUR"), *[CreditAccount(amount=1)] * 5]
        for command in commands:
            with suppress(StoreUnavailableError, DomainError):
                self.writer.execute(command, A, CONTEXT)
            self.time.sleep(self.rng.choice((0, 3, 30)))

    def changed(self) -> list[tuple[datetime, AccountAt]]:
        """What is answered otherwise now, an hour later."""
        self.time.sleep(3600)
        return [
            (moment, then)
            for moment, then in self.seen
            if self.reader.account_at(A, moment).account.version != then.account.version
        ]


@pytest.mark.thousands
def test_what_was_settled_stays() -> None:
    """Repeat one run with DAYBOOK_TEST_SEED=<seed> DAYBOOK_TEST_RUNS=1."""
    changed = 0
    for seed in SEEDS:
        watched = Watched(seed)
        watched.run()
        unsettled = watched.changed()
        assert [each for each in unsettled if each[1].settled] == [], f"seed {seed}"
        changed += len(unsettled)
    assert changed or len(SEEDS) < ENOUGH, "nothing that was not settled changed: the test proves nothing"
