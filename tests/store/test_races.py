"""Many writers at once: what they are told agrees with one history that all of them made."""

from __future__ import annotations

import random
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Backoff
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.service.account_service import AccountService
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.audit import Audit
from tests.support.backends import Backend, DynamoDBBackend, backends, names
from tests.support.bank import Accepted, Order, Recorder, Rejected, new_bank
from tests.support.clocks import TickingClock, Ticks
from tests.support.dynamodb_tables import store_on
from tests.support.recording import RecordingStore, YieldingStore, whole_history
from tests.support.runs import seeds
from tests.support.workloads import accounts, anything, credit, one_account, opening, ring, withdrawal

THREADS = 16
SEEDS = seeds(check=1, test=1, soak=20)
ORDERS = {"memory": 40, "fake": 30, "moto": 4, "endpoint": 8}
"""How many each thread sends."""

Workload = Callable[[random.Random, str, Sequence[str]], Order]


@pytest.fixture(autouse=True)
def _eager_threads() -> Iterator[None]:
    """Let the interpreter change threads often."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.00002)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.generated
@pytest.mark.parametrize("banks", [1, THREADS], ids=["one-cache", "own-caches"])
@pytest.mark.parametrize(("workload", "streams"), [(one_account, 1), (ring, 4), (anything, 3)])
@pytest.mark.parametrize("kind", names())
def test_answers_agree_with_the_history(kind: str, workload: Workload, streams: int, banks: int) -> None:
    with backends(kind) as new_backend:
        for seed in SEEDS:
            ids = [str(uuid.uuid4()) for _ in range(streams)]
            _race(kind, _store(new_backend()), workload, ids, banks, seed)


def _store(backend: Backend) -> EventStore:
    if isinstance(backend, DynamoDBBackend):
        return store_on(backend.client, backend.tables, backoff=Backoff(base=0.001, cap=0.01))
    return backend.store


def _race(kind: str, inner: EventStore, workload: Workload, ids: list[str], banks: int, seed: int) -> None:
    ticks, clock, rng = Ticks(), TickingClock(), random.Random(seed)
    store = RecordingStore(inner, ticks, serialize=kind != "endpoint")
    recorder = Recorder(ticks)
    clients = [
        new_bank(
            YieldingStore(store, seed=seed, longest=0.0005),
            clock,
            backoff=Backoff(base=0.0005, cap=0.005),
            snapshot_interval=rng.randint(1, 12),
        )
        for _ in range(banks)
    ]
    if workload is not anything:
        for account in ids:
            recorder.send(clients[0], opening(account))
            recorder.send(clients[0], credit(f"start-{account}", account, 100))

    plans = _plans(workload, ids, rng, ORDERS[kind])
    _at_once([partial(_send_all, recorder, clients[i % banks], plan) for i, plan in enumerate(plans)])

    histories = {account: whole_history(inner, account) for account in ids}
    assert Audit(histories, store.appends, recorder.answers).violations() == [], f"seed {seed}"
    verifier = ChainVerifier(inner, ACCOUNT_DECIDER)
    assert [verifier.verify(account).version for account in ids] == [len(rows) for rows in histories.values()]
    if workload is not anything:  # which may find hardly an account open
        _check_that_it_was_a_race(store, recorder)


def _check_that_it_was_a_race(store: RecordingStore, recorder: Recorder) -> None:
    outcomes = [answer.outcome for answer in recorder.answers]
    assert store.conflicts > 0, "nobody lost a race"
    assert any(isinstance(outcome, Rejected) for outcome in outcomes)
    assert sum(isinstance(outcome, Accepted) for outcome in outcomes) > len(outcomes) / 4


def _send_all(recorder: Recorder, bank: AccountService, plan: Sequence[Order]) -> None:
    for order in plan:
        recorder.send(bank, order)


def _plans(workload: Workload, ids: list[str], rng: random.Random, orders: int) -> list[list[Order]]:
    """What each thread sends. A keyed order stands at the same place in the plans of several threads."""
    plans: list[list[Order]] = [[] for _ in range(THREADS)]
    for place in range(orders):
        for number, plan in enumerate(plans):
            order = workload(rng, f"t{number}-{place}", ids)
            also = [other for other in plans[:number] if len(other) > place and other[place].keyed]
            plan.append(rng.choice(also)[place] if also and order.keyed else order)
    return plans


def _at_once(activities: Sequence[Callable[[], object]]) -> None:
    """Run each in a thread of its own, all starting together."""
    barrier = threading.Barrier(len(activities))

    def start(activity: Callable[[], object]) -> None:
        barrier.wait()
        activity()

    with ThreadPoolExecutor(len(activities)) as executor:
        for future in [executor.submit(start, activity) for activity in activities]:
            future.result()


def _store_and_banks(count: int) -> tuple[RecordingStore, Recorder, list[Any]]:
    ticks = Ticks()
    store = RecordingStore(InMemoryEventStore(), ticks, serialize=True)
    clock = TickingClock()
    backoff = Backoff(sleep=lambda _: None)
    return store, Recorder(ticks), [new_bank(store, clock, backoff=backoff) for _ in range(count)]


def _behind(store: RecordingStore, recorder: Recorder, ahead: Any, behind: Any) -> str:
    """An account with 100 at version 2, known so to `behind`; `ahead` empties and refills it: 100 at version 4."""
    (account,) = accounts(1)
    recorder.send(behind, opening(account, overdraft_limit=0))
    recorder.send(behind, credit("first", account, 100))
    recorder.send(ahead, withdrawal("empties", account, 100))
    recorder.send(ahead, credit("refills", account, 100))
    return account


def test_the_row_of_a_stale_winner_does_not_reject() -> None:
    store, recorder, (ahead, behind) = _store_and_banks(2)
    account = _behind(store, recorder, ahead, behind)

    assert recorder.send(behind, withdrawal("late", account, 100)) == Accepted((5,))


def test_a_lost_race_is_a_failed_precondition() -> None:
    store, recorder, (ahead, behind) = _store_and_banks(2)
    account = _behind(store, recorder, ahead, behind)
    order = credit("late", account, 1)

    assert recorder.send(behind, Order("late", order.command, (account,), expected=frozenset({2}))) == Rejected(
        "precondition-failed", 4
    )


def test_a_precondition_holds_for_the_state_that_is_decided_on() -> None:
    """What the cache remembers meets the precondition but not the rule; what is read meets the rule alone."""
    store, recorder, (ahead, behind) = _store_and_banks(2)
    account = _behind(store, recorder, ahead, behind)
    recorder.send(ahead, credit("more", account, 100))
    order = withdrawal("late", account, 200)

    assert recorder.send(behind, Order("late", order.command, (account,), expected=frozenset({2}))) == Rejected(
        "precondition-failed", 5
    )


def test_a_lost_race_to_a_version_that_is_expected_too_is_none() -> None:
    """If-Match: "2", "4" says that both will do: to answer 412 at version 4 would not be true."""
    store, recorder, (ahead, behind) = _store_and_banks(2)
    account = _behind(store, recorder, ahead, behind)
    order = credit("late", account, 1)

    answer = recorder.send(behind, Order("late", order.command, (account,), expected=frozenset({2, 4})))

    assert answer == Accepted((5,))
