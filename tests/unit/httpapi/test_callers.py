"""A key is its caller's own, on every synchronous route: equal keys of two callers are two requests."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.support.runs import seeds
from tests.unit.httpapi.suite.api import Answer
from tests.unit.httpapi.suite.in_process import InProcessApi, in_process_api

SEEDS = seeds(check=15, test=100, soak=5_000)
STEPS = 30
CALLERS = ("", "AROAONE:a", "AROAONE:b", "AROATWO:a")
"""The second and the third are one principal in two sessions."""
KEY = {"Idempotency-Key": "1"}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> InProcessApi:
    return in_process_api(monkeypatch)


def replayed(answer: Answer) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


@pytest.mark.parametrize("amount", [5, 7], ids=["the same body", "another body"])
@pytest.mark.parametrize("route", ["credit", "withdraw", "transfers"])
def test_the_second_callers_payment_is_not_swallowed(api: InProcessApi, route: str, amount: int) -> None:
    account, other = api.open(balance=100), api.open()

    def pay(caller: str, amount: int) -> Answer:
        api.caller = caller
        if route == "transfers":
            body = {"from_account_id": account, "to_account_id": other, "amount": amount}
            return api.post("/transfers", body, KEY)
        return api.post(f"/accounts/{account}/{route}", {"amount": amount}, KEY)

    first, second = pay("AROAONE:a", 5), pay("AROATWO:a", amount)

    assert (first.status, replayed(first)) == (second.status, replayed(second))
    assert not replayed(second)
    assert api.version(account) == 4
    for caller, paid, answer in (("AROAONE:b", 5, first), ("AROATWO:b", amount, second)):
        again = pay(caller, paid)
        assert (again.status, again.body, replayed(again)) == (answer.status, answer.body, True)
        assert pay(caller, 99).problem == "idempotency-key-reused"
    assert api.version(account) == 4


def test_a_rejection_is_remembered_for_its_caller_only(api: InProcessApi) -> None:
    account = api.open()
    api.caller = "AROAONE:a"
    assert api.post(f"/accounts/{account}/withdraw", {"amount": 1}, KEY).problem == "insufficient-funds"
    api.post(f"/accounts/{account}/credit", {"amount": 1})
    assert api.post(f"/accounts/{account}/withdraw", {"amount": 1}, KEY).problem == "insufficient-funds"
    api.caller = "AROATWO:a"
    assert api.post(f"/accounts/{account}/withdraw", {"amount": 1}, KEY).status == 200


@pytest.mark.parametrize("key", ["AROAONE/1", "/1", "AROAONE%2F1"])
def test_no_key_reaches_into_another_callers(api: InProcessApi, key: str) -> None:
    """A key that is no token is stored as its hash: it has no separator in it."""
    account, body = api.open(), {"amount": 1}
    api.caller = "AROAONE:a"
    api.post(f"/accounts/{account}/credit", body, {"Idempotency-Key": "1"})
    api.caller = "AROATWO:a"
    answer = api.post(f"/accounts/{account}/credit", body, {"Idempotency-Key": key})
    assert (answer.status, "idempotent-replayed" in answer.headers, api.version(account)) == (200, False, 3)


@pytest.mark.parametrize("caller", [":session", 'a"b', "a/b", "a b", "é", "a\nb:s", "a\n", "a" * 129])
def test_a_caller_that_is_no_principals_id_may_do_nothing(api: InProcessApi, caller: str) -> None:
    """The gateway's templates say the same of it: tests/unit/command_templates/test_callers.py."""
    account = api.open()
    api.caller = caller
    for headers in ({}, KEY):
        answer = api.post(f"/accounts/{account}/credit", {"amount": 1}, headers)
        assert (answer.status, answer.problem) == (403, "forbidden")
    assert api.version(account) == 1


class Ledger:
    """What must be true: the first answer of each caller's key, and the balance."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str, str], tuple[dict[str, Any], Answer]] = {}
        self.balances: dict[str, int] = {}


def play(api: InProcessApi, seed: int) -> None:
    """Several callers under few keys on two accounts: each request takes effect once for its own caller."""
    rng, ledger = random.Random(seed), Ledger()
    accounts = [api.open(), api.open()]
    ledger.balances = dict.fromkeys(accounts, 0)
    for _ in range(STEPS):
        caller, account, key = rng.choice(CALLERS), rng.choice(accounts), rng.choice("12")
        route, amount = rng.choice(("credit", "withdraw")), rng.randint(1, 2)
        request = {"route": route, "amount": amount}
        api.caller = caller or None
        answer = api.post(f"/accounts/{account}/{route}", {"amount": amount}, {"Idempotency-Key": key})
        own = (caller.partition(":")[0], account, key)
        known = ledger.answers.get(own)
        if known is None:
            ledger.answers[own] = request, answer
            change = amount if route == "credit" else -amount
            taken = ledger.balances[account] + change >= 0
            assert (answer.status, replayed(answer)) == (200 if taken else 422, False), f"seed {seed}"
            ledger.balances[account] += change * taken
        elif known[0] == request:
            assert (answer.status, answer.body) == (known[1].status, known[1].body), f"seed {seed}"
            assert replayed(answer), f"seed {seed}"
        else:
            assert answer.problem == "idempotency-key-reused", f"seed {seed}"
    assert {each: api.balance(each) for each in accounts} == ledger.balances, f"seed {seed}"


def test_seeded_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat one run with DAYBOOK_TEST_SEED=<seed> DAYBOOK_TEST_RUNS=1."""
    for seed in SEEDS:
        play(in_process_api(monkeypatch), seed)
