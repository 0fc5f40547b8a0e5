"""Several processes at work on one DynamoDB that misbehaves, in one thread: the same from a seed every time."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import datetime
from typing import Any

from lambdas.eventsourcing.dynamodb import MAX_ATTEMPTS
from lambdas.eventsourcing.errors import (
    ContentionError,
    NotAppliedError,
    OutcomeUnknownError,
    StoredCommandMissingError,
)
from lambdas.eventsourcing.repository import MAX_CONFLICTS
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.audit import Audit
from tests.support.bank import Accepted, Failed, Order, Outcome, Recorder, new_bank
from tests.support.clocks import SimulatedTime
from tests.support.dynamodb_tables import Tables, store_on
from tests.support.ends import ends
from tests.support.faults import MISHAPS, FaultyClient, Schedule, as_told, at_random
from tests.support.inbox import TableInbox
from tests.support.observed import Observed
from tests.support.recording import whole_history
from tests.support.workloads import accounts, anything, as_stored, credit, opening

ORDERS = 12
CLOCK_JUMPS = 0.03
"""How likely a clock is another one whenever it is read."""
REQUEST_SECONDS = 10.0
"""What the design promises; not read from the code, so that the code cannot move it."""
UNCERTAIN = {
    Failed(OutcomeUnknownError),
    Failed(NotAppliedError),
    Failed(ContentionError),
    Failed(StoredCommandMissingError),
}
"""A command whose row was not shown is said to be missing: a technical failure, to be tried again."""


class Member:
    """One process: a client on which things go wrong, a clock of its own, a cache, and what it did."""

    def __init__(self, world: World, schedule: Schedule, *, bare: float = 0.0) -> None:
        rng = world.rng
        self.time = SimulatedTime()
        self.client = FaultyClient(
            world.client, rng, self.time, schedule=schedule, bare=bare, meanwhile=lambda: world.meanwhile(self)
        )
        self._recorder = world.recorder
        backoff = Backoff(sleep=self.time.sleep, uniform=rng.uniform)
        self._rng, self._skew = rng, rng.uniform(-30, 30)
        self.bank = new_bank(
            store_on(self.client, world.tables, backoff=backoff),
            self._clock,
            backoff=backoff,
            snapshot_interval=rng.choice((1, 3, 10)),
            max_conflicts=rng.choice((4, MAX_CONFLICTS)),
            new_deadline=lambda: Deadline(monotonic=self.time.monotonic),
            new_commit_id=world.new_commit_id,
        )
        self.problems: list[str] = []
        self.refused_commits: set[str] = set()
        """Of commands that were answered as certainly not applied."""

    def _clock(self) -> datetime:
        """Off by some seconds, and now and then it jumps: also by days, in either direction."""
        if self._rng.random() < CLOCK_JUMPS:
            self._skew = self._rng.choice((30.0, 86_400.0)) * self._rng.uniform(-1, 1)
        return self.time.wall(self._skew)

    def send(self, order: Order) -> Outcome:
        """Send an order, and judge how it was carried out."""
        began, first = self.time.monotonic(), len(self.client.attempts)
        outcome = self._recorder.send(self.bank, order)
        attempts = self.client.attempts[first:]
        if self.time.monotonic() - began >= REQUEST_SECONDS:
            self.problems.append(f"{order.label}: took {self.time.monotonic() - began} s")
        commits = Counter(each.commit_id for each in attempts if each.commit_id is not None)
        if max(commits.values(), default=0) > MAX_ATTEMPTS or len(commits) > MAX_CONFLICTS + 1:
            self.problems.append(f"{order.label}: sent too often")
        if outcome == Failed(OutcomeUnknownError):
            if not any(each.in_doubt and each.commit_id for each in attempts):
                self.problems.append(f"{order.label}: its outcome is known")
        elif not isinstance(outcome, Accepted):
            self.refused_commits |= commits.keys()
        return outcome


class World:
    """A DynamoDB, several processes that work on it, and one that interrupts the others."""

    def __init__(self, client: Any, tables: Tables, recorder: Recorder, rng: random.Random, streams: int) -> None:
        self.client, self.tables, self.recorder, self.rng = client, tables, recorder, rng
        self.inbox = TableInbox(client, tables.commands)
        self.ids = accounts(streams)
        self.labels = (f"{caller}/o{number}" for number in itertools.count() for caller in ("one", "two"))
        commit_ids = itertools.count()
        self.new_commit_id = lambda: f"commit-{next(commit_ids)}"
        self.interruptions = rng.choice((0.0, 0.1, 0.3))
        self._acting: Member | None = None
        mishaps = rng.choice((MISHAPS, rng.sample(MISHAPS, 2)))
        self.members = [
            Member(self, at_random(rng, rng.choice((0.0, 0.15, 0.5, 0.9)), mishaps), bare=rng.choice((0.0, 0.3)))
            for _ in range(3)
        ]

    def order(self) -> Order:
        """What somebody asks for next; a stored command is in place before a processor hears of it."""
        order = anything(self.rng, next(self.labels), self.ids)
        if self.rng.random() < 0.6:
            return order
        self.inbox.submit(order.account_ids[0], order.label)
        return as_stored(order)

    def act(self) -> None:
        """Somebody sends an order; one with a key is sent again, anywhere, while the answer is uncertain.

        A stored one may come again whatever the answer was.
        """
        self._acting = self.rng.choice(self.members)
        order = self.order()
        outcome = self._acting.send(order)
        while self.rng.random() < 0.7 and (order.stored or (order.keyed and outcome in UNCERTAIN)):
            self._acting = self.rng.choice(self.members)
            outcome = self._acting.send(order)

    def meanwhile(self, member: Member) -> None:
        """Between two steps of the one who acts, another may act as well."""
        if member is self._acting and self.rng.random() < self.interruptions:
            self._acting, acting = None, self._acting
            self.rng.choice([other for other in self.members if other is not member]).send(self.order())
            self._acting = acting

    def end(self) -> None:
        """Everything on its way arrives, before or after the last repetition of what is uncertain."""
        settle_first = self.rng.random() < 0.5
        if settle_first:
            self._settle()
        for member in self.members:
            member.client.schedule, member.client.bare = as_told(), 0.0
        self.interruptions = 0.0
        certain = {a.order.label for a in self.recorder.answers if a.outcome not in UNCERTAIN}
        for answer in list(self.recorder.answers):
            if (answer.order.keyed or answer.order.stored) and answer.order.label not in certain:
                certain.add(answer.order.label)
                outcome = self.rng.choice(self.members).send(answer.order)
                assert outcome not in UNCERTAIN, outcome
        self._settle()

    def _settle(self) -> None:
        for member in self.members:
            member.client.settle()


def play(observed: Observed, seed: int) -> list[Outcome]:
    """A run; gives the outcomes. Asserts everything that must hold."""
    rng = random.Random(seed)
    recorder = Recorder(observed.ticks)
    world = World(observed.client, observed.tables, recorder, rng, streams=rng.choice((1, 2, 3)))
    calm = Member(world, as_told())
    for account in world.ids:
        calm.send(opening(account))
        calm.send(credit(f"start-{account}", account, 100))
    for _ in range(ORDERS):
        world.act()
    world.end()

    store = store_on(observed.client, observed.tables)
    histories = {account: whole_history(store, account) for account in world.ids}
    problems = Audit(histories, observed.appends, recorder.answers).violations()
    problems += ends(recorder.answers, histories, world.inbox.find)
    present = {row.commit_id for rows in histories.values() for row in rows}
    for member in world.members:
        problems += member.problems
        problems += [f"{commit_id} was applied after all" for commit_id in member.refused_commits & present]
    assert problems == [], f"seed {seed}"
    for account in world.ids:
        ChainVerifier(store, ACCOUNT_DECIDER).verify(account)
    return [answer.outcome for answer in recorder.answers]
