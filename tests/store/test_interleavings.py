"""A few commands in every order of their store calls, each from a cache that may be behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial

import pytest

from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Backoff
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.verifier import ChainVerifier
from lambdas.eventsourcing.working_set import WorkingSet
from lambdas.service.account_service import AccountService
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.audit import Audit
from tests.support.bank import Order, Recorder, new_bank
from tests.support.clocks import TickingClock, Ticks
from tests.support.ends import ends
from tests.support.inbox import MemoryInbox
from tests.support.interleaving import Run, SteppedStore, Turnstile, explore, sample
from tests.support.recording import RecordingStore, whole_history
from tests.support.runs import seeds
from tests.support.workloads import accounts, as_stored, closing, credit, opening, transfer, withdrawal

A, B, C = accounts(3)
PREPARATION = [
    opening(A, overdraft_limit=0),
    opening(B, overdraft_limit=0),
    credit("a1", A, 100),
    credit("b1", B, 100),
    withdrawal("a2", A, 100),
    credit("a3", A, 100),
]
KNOWN = 4
"""So many of them are known to the caches of those who act; the others happened elsewhere."""
SAMPLES = seeds(check=100, test=300, soak=10_000)

SCENARIOS: dict[str, list[list[Order]]] = {
    "two take all": [[withdrawal("w", A, 100)], [withdrawal("v", A, 100)]],
    "take all, refill": [[withdrawal("w", A, 100), credit("c", A, 100)], [withdrawal("v", A, 60)]],
    "close or pay in": [[withdrawal("w", A, 100), closing("x", A)], [credit("c", A, 1)]],
    "both ways": [[transfer("t", A, B, 80)], [transfer("u", B, A, 150)]],
    "both ways, again": [[transfer("t", A, B, 80), transfer("s", B, A, 180)], [transfer("u", B, A, 150)]],
    "open twice": [[opening(C)], [Order("other", opening(C).command, (C,))]],
    "one key, two senders": [
        [withdrawal("k", A, 100, keyed=True)],
        [withdrawal("k", A, 100, keyed=True), withdrawal("v", A, 1)],
    ],
    "one key, rejected or not": [
        [withdrawal("k", A, 150, keyed=True), credit("c", A, 50)],
        [withdrawal("k", A, 150, keyed=True)],
    ],
    "a keyed transfer sent twice": [
        [transfer("k", A, B, 100, keyed=True)],
        [transfer("k", A, B, 100, keyed=True), withdrawal("w", A, 1)],
    ],
    "one stored command, two processors": [
        [as_stored(withdrawal("s", A, 100))],
        [as_stored(withdrawal("s", A, 100)), withdrawal("v", A, 1)],
    ],
    "a stored command, rejected or not": [
        [as_stored(withdrawal("s", A, 150)), credit("c", A, 50)],
        [as_stored(withdrawal("s", A, 150))],
    ],
    "a stored transfer, delivered twice": [
        [as_stored(transfer("s", A, B, 100)), as_stored(transfer("s", A, B, 100))],
        [as_stored(transfer("s", A, B, 100))],
    ],
    "a stored opening, another one": [
        [as_stored(opening(C))],
        [as_stored(opening(C)), Order("other", opening(C).command, (C,))],
    ],
    "if match": [
        [Order("m", credit("m", A, 1).command, (A,), expected=frozenset({4}))],
        [Order("n", credit("n", A, 1).command, (A,), keyed=True, expected=frozenset({4, 5}))],
    ],
}


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(3) as executor:
        yield executor


def _violations(executor: Executor, plans: Sequence[Sequence[Order]], through: Callable[[Run], object]) -> list[str]:
    """What was wrong in any of the interleavings that `through` goes through."""
    violations: list[str] = []

    def run(choose: Callable[[int], int]) -> None:
        choices: list[int] = []

        def remember(width: int) -> int:
            choices.append(choose(width))
            return choices[-1]

        found = _run(executor, plans, remember)
        violations.extend(f"{choices}: {text}" for text in found)

    through(run)
    return violations


def _run(executor: Executor, plans: Sequence[Sequence[Order]], choose: Callable[[int], int]) -> list[str]:
    ticks, clock, turnstile = Ticks(), TickingClock(), Turnstile()
    inner = InMemoryEventStore()
    store = RecordingStore(inner, ticks, serialize=True)
    recorder = Recorder(ticks)
    stepped = SteppedStore(store, turnstile)
    backoff = Backoff(sleep=lambda _: None)
    elsewhere = new_bank(store, clock)
    banks = [new_bank(stepped, clock, backoff=backoff) for _ in plans]
    for order in PREPARATION[:KNOWN]:
        recorder.send(elsewhere, order)
    for bank in banks:
        bank.account(A)
        bank.account(B)
    for order in PREPARATION[KNOWN:]:
        recorder.send(elsewhere, order)

    activities: list[Callable[[], object]] = [
        partial(_send_all, recorder, bank, plan) for bank, plan in zip(banks, plans, strict=True)
    ]
    turnstile.run(activities, executor, choose)

    histories = {account: whole_history(inner, account) for account in (A, B, C)}
    for account in histories:
        ChainVerifier(inner, ACCOUNT_DECIDER).verify(account)
    violations = Audit(histories, store.appends, recorder.answers).violations()
    return violations + ends(recorder.answers, histories, MemoryInbox(inner).find)


def _send_all(recorder: Recorder, bank: AccountService, plan: Sequence[Order]) -> None:
    for order in plan:
        recorder.send(bank, order)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_interleaving_of_two(executor: Executor, name: str) -> None:
    assert _violations(executor, SCENARIOS[name], explore) == []


@pytest.mark.generated
def test_interleavings_of_three(executor: Executor) -> None:
    """Too many to go through all."""
    plans = [
        [withdrawal("w", A, 60), transfer("t", A, B, 30, keyed=True)],
        [withdrawal("v", A, 60), transfer("t", A, B, 30, keyed=True)],
        [credit("c", A, 20), transfer("u", B, A, 150)],
    ]
    assert _violations(executor, plans, partial(sample, seeds=SAMPLES)) == []


@pytest.mark.generated
def test_processors_of_the_same_commands(executor: Executor) -> None:
    """Each gets all of them, in its own order and some twice, as after a crash; each takes effect once."""
    commands = [
        as_stored(order)
        for order in (
            withdrawal("s1", A, 60),
            transfer("s2", A, B, 70),
            credit("s3", A, 20),
            transfer("s4", B, A, 150),
            opening(C),
        )
    ]
    plans = [commands, commands[::-1], [*commands[:3], *commands]]
    assert _violations(executor, plans, partial(sample, seeds=SAMPLES)) == []


def test_a_processor_that_does_not_look_is_seen(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a command counts as pending for ever."""
    monkeypatch.setattr(InMemoryEventStore, "_completed", lambda *_: False)

    violations = _violations(executor, SCENARIOS["a stored command, rejected or not"], explore)

    assert any("rejected (insufficient-funds) and in history" in text for text in violations)


def test_the_audit_sees_a_stale_winner_decide(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: a state advanced by a winner's row counts as read."""
    advance = WorkingSet.advance

    def trusting(self: WorkingSet[object, object], winners: Sequence[EventRow]) -> bool:
        advanced = advance(self, winners)
        self._confirmed = set(self.loaded)
        return advanced

    monkeypatch.setattr(WorkingSet, "advance", trusting)

    violations = _violations(executor, SCENARIOS["take all, refill"], explore)

    assert any("insufficient-funds" in text and "never true" in text for text in violations)
