"""A DynamoDB that misbehaves: nothing acknowledged is lost, nothing is applied twice, and errors mean what they say."""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.eventsourcing.dynamodb import MAX_ATTEMPTS
from lambdas.eventsourcing.dynamodb_items import item_to_row
from lambdas.eventsourcing.errors import ContentionError, NotAppliedError, OutcomeUnknownError, ReadUnavailableError
from lambdas.eventsourcing.repository import MAX_CONFLICTS
from lambdas.eventsourcing.retry import REQUEST_SECONDS, Backoff, Deadline
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.audit import Append, Audit
from tests.support.bank import Accepted, Failed, Order, Outcome, Recorder, Rejected, new_bank
from tests.support.clocks import SimulatedTime, Ticks
from tests.support.dynamodb_tables import KEYS, Tables, create_tables, moto_client, store_on
from tests.support.fake_dynamodb import FakeDynamoDB, Item, client_error
from tests.support.faults import MISHAPS, Effect, FaultyClient, Mishap, Schedule, as_told, at_random
from tests.support.recording import whole_history
from tests.support.workloads import accounts, anything, credit, opening, transfer, withdrawal

SEED = int(os.environ.get("DAYBOOK_TEST_SEED", "1"))
RUNS = int(os.environ.get("DAYBOOK_TEST_FAULT_RUNS", "1000"))
MOTO_RUNS = 2
ORDERS = 12
UNCERTAIN = {Failed(OutcomeUnknownError), Failed(NotAppliedError), Failed(ContentionError)}


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
        skew = rng.uniform(-30, 30)
        self.bank = new_bank(
            store_on(self.client, world.tables, backoff=backoff),
            lambda: self.time.wall(skew),
            backoff=backoff,
            snapshot_interval=rng.choice((1, 3, 10)),
            new_deadline=lambda: Deadline(monotonic=self.time.monotonic),
            new_commit_id=world.new_commit_id,
        )
        self.problems: list[str] = []
        self.refused_commits: set[str] = set()
        """Of commands that were answered as certainly not applied."""

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
        self.ids = accounts(streams)
        self.labels = (f"o{number}" for number in itertools.count())
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
        """What somebody asks for next."""
        return anything(self.rng, next(self.labels), self.ids)

    def act(self) -> None:
        """Somebody sends an order; a client with a key sends it again, anywhere, while the answer is uncertain."""
        self._acting = self.rng.choice(self.members)
        order = self.order()
        outcome = self._acting.send(order)
        while order.keyed and outcome in UNCERTAIN and self.rng.random() < 0.7:
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
            if answer.order.keyed and answer.order.label not in certain:
                certain.add(answer.order.label)
                outcome = self.rng.choice(self.members).send(answer.order)
                assert outcome not in UNCERTAIN, outcome
        self._settle()

    def _settle(self) -> None:
        for member in self.members:
            member.client.settle()


def _play(client: Any, tables: Tables, ticks: Ticks, appends: Sequence[Append], seed: int) -> list[Outcome]:
    """A run; gives the outcomes. Asserts everything that must hold."""
    rng = random.Random(seed)
    recorder = Recorder(ticks)
    world = World(client, tables, recorder, rng, streams=rng.choice((1, 2, 3)))
    calm = Member(world, as_told())
    for account in world.ids:
        calm.send(opening(account))
        calm.send(credit(f"start-{account}", account, 100))
    for _ in range(ORDERS):
        world.act()
    world.end()

    store = store_on(client, tables)
    histories = {account: whole_history(store, account) for account in world.ids}
    problems = Audit(histories, appends, recorder.answers).violations()
    present = {row.commit_id for rows in histories.values() for row in rows}
    for member in world.members:
        problems += member.problems
        problems += [f"{commit_id} was applied after all" for commit_id in member.refused_commits & present]
    assert problems == [], f"seed {seed}"
    for account in world.ids:
        ChainVerifier(store, ACCOUNT_DECIDER).verify(account)
    return [answer.outcome for answer in recorder.answers]


def _fake(ticks: Ticks, appends: list[Append]) -> tuple[Any, Tables]:
    """A fake DynamoDB that notes when rows appear."""
    tables = Tables("events", "commands")

    def observe(items: Sequence[Item]) -> None:
        tick = ticks()
        appends.append(Append(tick, tick, tuple(item_to_row(item) for item in items if "recorded_at" in item)))

    return FakeDynamoDB(dict(zip(tables, KEYS.values(), strict=True)), observe=observe), tables


def test_seeded_runs() -> None:
    """Repeat one run with DAYBOOK_TEST_SEED=<seed> DAYBOOK_TEST_FAULT_RUNS=1."""
    seen: set[Outcome] = set()
    for seed in range(SEED, SEED + RUNS):
        ticks, appends = Ticks(), list[Append]()
        seen.update(_play(*_fake(ticks, appends), ticks, appends, seed))
    if RUNS >= 1000:
        assert seen >= UNCERTAIN
        assert {type(outcome) for outcome in seen} == {Accepted, Rejected, Failed}


class ObservedClient:
    """Notes when rows appear on a client that runs one call at a time."""

    def __init__(self, client: Any, ticks: Ticks, appends: list[Append]) -> None:
        self.query = client.query
        self._client, self._ticks, self._appends = client, ticks, appends

    def put_item(self, **put: Any) -> Any:
        return self._observe([put], self._client.put_item(**put))

    def transact_write_items(self, **request: Any) -> Any:
        puts = [action["Put"] for action in request["TransactItems"]]
        return self._observe(puts, self._client.transact_write_items(**request))

    def _observe(self, puts: Sequence[Any], answer: Any) -> Any:
        tick, items = self._ticks(), [put["Item"] for put in puts]
        self._appends.append(Append(tick, tick, tuple(item_to_row(item) for item in items if "recorded_at" in item)))
        return answer


def test_seeded_runs_on_moto() -> None:
    for seed in range(SEED, SEED + MOTO_RUNS):
        ticks, appends = Ticks(), list[Append]()
        with moto_client() as client:
            _play(ObservedClient(client, ticks, appends), create_tables(client), ticks, appends, seed)


A, B = accounts(2)
ORDERS_OF_ALL_SHAPES = {
    "one row": credit("order", A, 1),
    "row and receipt": withdrawal("order", A, 1, keyed=True),
    "two rows": transfer("order", A, B, 1),
    "two rows and receipt": transfer("order", A, B, 1, keyed=True),
    "receipt": withdrawal("order", A, 1000, keyed=True),
}

READS_FIRST: dict[str, list[Mishap | None]] = {shape: [] for shape in ORDERS_OF_ALL_SHAPES} | {"receipt": [None]}
"""What is known from a cache rejects nothing: the account is read before the rejection is put as a receipt."""
REJECTED = Rejected("insufficient-funds")


class Story:
    """Two accounts with 100 each at version 2, and one process on which things go wrong as told."""

    def __init__(self, *mishaps: Mishap | None) -> None:
        self.ticks, self.time, self.appends = Ticks(), SimulatedTime(), list[Append]()
        self.recorder = Recorder(self.ticks)
        self.fake, self.tables = _fake(self.ticks, self.appends)
        self.store = store_on(self.fake, self.tables)
        self.elsewhere = new_bank(self.store, self.time.wall)
        for order in (opening(A), opening(B), credit("a", A, 100), credit("b", B, 100)):
            self.recorder.send(self.elsewhere, order)
        self.client = FaultyClient(self.fake, random.Random(0), self.time, schedule=as_told())
        backoff = Backoff(sleep=self.time.sleep, uniform=lambda low, high: high)
        self.bank = new_bank(
            store_on(self.client, self.tables, backoff=backoff),
            self.time.wall,
            backoff=backoff,
            new_deadline=lambda: Deadline(monotonic=self.time.monotonic),
        )
        self.bank.account(A)
        self.bank.account(B)
        self.client.attempts.clear()
        self.client.schedule = as_told(*mishaps)

    def send(self, order: Order) -> Outcome:
        """Send, and check that it was done in time."""
        began = self.time.monotonic()
        outcome = self.recorder.send(self.bank, order)
        assert self.time.monotonic() - began < REQUEST_SECONDS
        return outcome

    def check(self) -> None:
        """Everything arrives, and the history agrees with the answers."""
        self.client.settle()
        histories = {account: whole_history(self.store, account) for account in (A, B)}
        assert Audit(histories, self.appends, self.recorder.answers).violations() == []

    def in_history(self, order: Order) -> int:
        """So many rows are from this order."""
        rows = [row for account in (A, B) for row in whole_history(self.store, account)]
        return sum(f'"{order.label}"' in row.metadata for row in rows)


def _by_name(mishap: Mishap) -> str:
    return mishap.name


LATE = next(mishap for mishap in MISHAPS if mishap.name == "late")
LOST = next(mishap for mishap in MISHAPS if mishap.name == "request lost")
THROTTLED = next(mishap for mishap in MISHAPS if mishap.name == "throttled")


@pytest.mark.parametrize("shape", ORDERS_OF_ALL_SHAPES)
@pytest.mark.parametrize("mishap", MISHAPS, ids=_by_name)
def test_one_mishap_is_not_noticed(mishap: Mishap, shape: str) -> None:
    order = ORDERS_OF_ALL_SHAPES[shape]
    story = Story(*READS_FIRST[shape], mishap)

    outcome = story.send(order)

    story.check()
    assert outcome == REJECTED if shape == "receipt" else isinstance(outcome, Accepted)
    assert story.in_history(order) == (0 if shape == "receipt" else len(order.account_ids))


@pytest.mark.parametrize("shape", ORDERS_OF_ALL_SHAPES)
@pytest.mark.parametrize("mishap", [each for each in MISHAPS if each.answer], ids=_by_name)
def test_a_mishap_without_end_is_called_by_its_name(mishap: Mishap, shape: str) -> None:
    order = ORDERS_OF_ALL_SHAPES[shape]
    story = Story(*READS_FIRST[shape], *[mishap] * 50)

    outcome = story.send(order)

    assert outcome == Failed(OutcomeUnknownError if mishap.in_doubt else NotAppliedError)
    assert len(story.client.attempts) <= MAX_ATTEMPTS + len(READS_FIRST[shape])
    story.check()
    if outcome == Failed(NotAppliedError):
        assert story.in_history(order) == 0


@pytest.mark.parametrize("late", [True, False], ids=["late ones arrive first", "late ones arrive last"])
@pytest.mark.parametrize("shape", [shape for shape, order in ORDERS_OF_ALL_SHAPES.items() if order.keyed])
@pytest.mark.parametrize("mishap", [each for each in MISHAPS if each.answer], ids=_by_name)
def test_a_key_makes_it_safe_to_send_again(mishap: Mishap, shape: str, late: bool) -> None:
    order = ORDERS_OF_ALL_SHAPES[shape]
    story = Story(*READS_FIRST[shape], *[mishap] * 50)
    story.send(order)
    story.recorder.send(story.elsewhere, credit("meanwhile", A, 5000))
    if late:
        story.client.settle()

    story.client.schedule = as_told()
    outcomes = {story.send(order), story.recorder.send(story.elsewhere, order)}

    story.check()
    assert len(outcomes) == 1
    assert story.in_history(order) == (len(order.account_ids) if isinstance(outcomes.pop(), Accepted) else 0)


def test_a_late_write_finds_its_place_taken() -> None:
    """Lost, so it seems; somebody else takes the version; decided again at the next one; then the first arrives."""
    order = credit("order", A, 1)
    story = Story(LATE)
    rivals = iter([credit("rival", A, 1)])

    def meanwhile() -> None:
        for rival in rivals if story.client.attempts else ():
            story.recorder.send(story.elsewhere, rival)

    story.client.meanwhile = meanwhile

    assert story.send(order) == Accepted((4,))
    story.check()
    assert story.in_history(order) == 1


def test_doubt_outlives_a_refusal() -> None:
    """The first attempt may have taken effect, so that the others were throttled says nothing."""
    story = Story(LATE, *[THROTTLED] * 50)

    assert story.send(credit("order", A, 1)) == Failed(OutcomeUnknownError)


def test_a_fault_of_ours_is_not_hidden() -> None:
    wrong = Mishap("wrong", Effect.NEVER, 0.0, lambda operation, _: client_error("ValidationException", operation))

    with pytest.raises(ClientError, match="ValidationException"):
        Story(wrong).send(credit("order", A, 1))

    assert Story(LOST, wrong).send(credit("order", A, 1)) == Failed(OutcomeUnknownError)


@pytest.mark.parametrize("mishap", [each for each in MISHAPS if each.answer], ids=_by_name)
def test_a_read_that_keeps_failing(mishap: Mishap) -> None:
    """A question is unavailable; a command that could not read is certainly not applied."""
    story = Story(*[mishap] * 50)
    with pytest.raises(ReadUnavailableError):
        story.bank.account(A)
    assert len(story.client.attempts) <= MAX_ATTEMPTS

    story = Story(*[mishap] * 50)
    assert story.send(credit("order", accounts(3)[2], 1)) == Failed(NotAppliedError)


def test_a_condition_without_its_item_settles_nothing_when_in_doubt() -> None:
    story = Story(LOST)
    story.recorder.send(story.elsewhere, credit("rival", A, 1))
    story.client.bare = 1.0

    assert story.send(credit("order", A, 1)) == Failed(OutcomeUnknownError)
    story.check()


def test_a_receipt_that_is_not_shown_is_no_answer() -> None:
    story = Story()
    rejected = withdrawal("order", A, 1000, keyed=True)
    story.recorder.send(story.elsewhere, rejected)
    story.client.bare = 1.0

    assert story.send(rejected) == Failed(NotAppliedError)
    story.client.bare = 0.0
    assert story.send(rejected) == REJECTED
    story.check()
