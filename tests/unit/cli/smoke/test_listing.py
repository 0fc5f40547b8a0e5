"""The account in the read model: it is waited for, compared with what the ledger answered, and refusals are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from cli.smoke.listing import AccountListing
from lambdas.contracts.http import Account
from lambdas.smoke.api import Api
from lambdas.smoke.steps import StepFailedError
from tests.unit.cli.smoke.parts import FakeTime
from tests.unit.httpapi.suite.api import Answer, Call
from tests.unit.smoke.conftest import CREDENTIALS, RUN, Tried

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def listing(tried: Tried, time: FakeTime) -> AccountListing:
    api = Api(tried.url, credentials=CREDENTIALS, region="eu-central-1", correlation_id=RUN)
    return AccountListing(api, patience=2.0, monotonic=time.monotonic, sleep=time.sleep)


@pytest.fixture
def known(tried: Tried) -> Account:
    """At version 3, with a balance of 40."""
    account = tried.account()
    for step in (account.open, account.credit, account.withdraw):
        step()
    return account.withdrawn


def refusing(tried: Tried, code: str, *, times: int = 1_000) -> None:
    """The read model's route answers with a problem, so many times."""
    problem = {"type": f"urn:daybook:problem:{code}", "title": "No", "status": 503, "correlation_id": RUN}
    left = iter(range(times))

    def change(call: Call, answer: Answer) -> Answer:
        if call.path == "/accounts" and call.method == "GET" and next(left, None) is not None:
            return Answer(503, {"Content-Type": "application/problem+json"}, json.dumps(problem).encode())
        return answer

    tried.change = change


def edited(tried: Tried, edit: Edit) -> None:
    """The read model's route answers something else."""

    def change(call: Call, answer: Answer) -> Answer:
        if call.path != "/accounts" or call.method != "GET":
            return answer
        body = answer.json()
        edit(body)
        return replace(answer, body=json.dumps(body).encode())

    tried.change = change


def test_the_account_is_there_as_it_is_known(tried: Tried, listing: AccountListing, known: Account) -> None:
    assert listing.find(known) == "version 3, balance 40; lag not measured yet"
    assert dict(tried.calls[-1].query) == {"ids": known.account_id, "min_version": "3"}


def test_the_lag_is_told(tried: Tried, listing: AccountListing, known: Account) -> None:
    tried.change = lambda _, answer: replace(answer, headers={**answer.headers, "Daybook-Lag": "2;1"})
    assert listing.find(known).endswith("; lag 2;1")


def test_it_is_waited_for(tried: Tried, listing: AccountListing, known: Account, time: FakeTime) -> None:
    refusing(tried, "version-not-reached", times=3)
    assert listing.find(known).startswith("version 3,")
    assert time.slept == [0.5, 0.5, 0.5]


def test_but_not_for_ever(tried: Tried, listing: AccountListing, known: Account, time: FakeTime) -> None:
    refusing(tried, "version-not-reached")
    with pytest.raises(StepFailedError, match="within 2 seconds") as failed:
        listing.find(known)
    assert "daybook projections status" in failed.value.look_at
    assert time.now <= 3.0


def test_one_that_was_never_built_is_not_waited_for(
    tried: Tried, listing: AccountListing, known: Account, time: FakeTime
) -> None:
    refusing(tried, "read-model-not-built")
    with pytest.raises(StepFailedError, match="read-model-not-built") as failed:
        listing.find(known)
    assert "`daybook projections rebuild`" in failed.value.look_at
    assert time.slept == []


def test_a_later_version_of_another_run_is_as_good(listing: AccountListing, known: Account) -> None:
    assert listing.find(msgspec.structs.replace(known, version=2, balance=100)).startswith("version 3, balance 40")


@pytest.mark.parametrize(
    "edit",
    [
        lambda body: body["accounts"].clear(),
        lambda body: body["accounts"][0].update(balance=41),
        lambda body: body["accounts"][0].update(version=2),
        lambda body: body["accounts"][0].update(account_id="0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10", version=9),
        lambda body: body["accounts"].append(body["accounts"][0]),
    ],
    ids=["none", "another balance", "an older version", "another account", "twice"],
)
def test_anything_else_is_no_success(tried: Tried, listing: AccountListing, known: Account, edit: Edit) -> None:
    edited(tried, edit)
    with pytest.raises(StepFailedError, match="not version 3 with balance 40") as failed:
        listing.find(known)
    assert failed.value.look_at == "`daybook projections compare account_summaries`"
