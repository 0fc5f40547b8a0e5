"""Accounts in the test currency: only callers that config names open them, over HTTP and by stored commands alike."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from lambdas.accounts.commands import CreditAccount, OpenAccount
from lambdas.accounts.errors import NoTestCallerError
from lambdas.accounts.money import TEST_CURRENCY, Currency
from lambdas.inbox import table
from lambdas.service.test_currency import check_caller
from tests.support.commands import Desk
from tests.support.event_rows import account_id
from tests.unit.httpapi.suite.in_process import InProcessApi, in_process_api

CALLER = "AROATESTER"
XTS: dict[str, Any] = {"currency": TEST_CURRENCY}
OPEN_XTS = {"type": "OpenAccount", **XTS}
KEY = {"Idempotency-Key": "smoke"}
PROBLEM = "test-callers-only"
A = account_id(0)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> InProcessApi:
    return in_process_api(monkeypatch, test_callers=f"AIDAOTHER,{CALLER}")


def test_a_test_caller_opens_one_in_any_session(api: InProcessApi) -> None:
    for session in ("", ":build-1", ":build-2"):
        api.caller = CALLER + session
        assert api.post("/accounts", XTS).status == 201


@pytest.mark.parametrize("caller", [None, "AROASTRANGER:x", "AROATESTER2:x", "TESTER", "anonymous", ","])
@pytest.mark.parametrize("headers", [{}, KEY], ids=["plain", "keyed"])
def test_anybody_else_is_refused(api: InProcessApi, caller: str | None, headers: dict[str, str]) -> None:
    api.caller = caller
    answer = api.post("/accounts", XTS, headers)
    assert answer.status == 403
    if caller != ",":  # no principal at all
        assert answer.problem == PROBLEM
        named = (caller or "anonymous").partition(":")[0]
        assert f"{named} is none" in answer.json()["detail"], "the caller does not learn which id is missing"


def test_a_session_is_not_what_counts(api: InProcessApi) -> None:
    api.caller = f"AROASTRANGER:{CALLER}"
    assert api.post("/accounts", XTS).problem == PROBLEM


def test_nobody_may_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    api = in_process_api(monkeypatch)
    assert api.post("/accounts", XTS).problem == PROBLEM


def test_the_refusal_ends_when_the_caller_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No receipt keeps it: the same key succeeds as soon as config allows it."""
    from lambdas.eventsourcing.memory import InMemoryEventStore  # noqa: PLC0415

    store = InMemoryEventStore()
    for callers, status in (("", 403), ("", 403), (CALLER, 201), (CALLER, 201)):
        api = in_process_api(monkeypatch, store=store, test_callers=callers)
        api.caller = CALLER
        assert api.post("/accounts", XTS, KEY).status == status


def test_everything_else_is_open_to_everybody(api: InProcessApi) -> None:
    """Callers are trusted with every account: money on a test account cannot leave its currency."""
    api.caller = CALLER
    account, other = api.open(**XTS), api.open(**XTS)
    api.caller = "AROASTRANGER:x"
    assert api.post(f"/accounts/{account}/credit", {"amount": 5}).status == 200
    moved = {"from_account_id": account, "to_account_id": other, "amount": 5}
    assert api.post("/transfers", moved).status == 201
    assert api.post("/transfers", moved | {"from_account_id": other, "to_account_id": api.open()}).status == 422


def stored(desk: Desk, body: dict[str, Any], actor: str) -> tuple[str, str | None]:
    record = desk.record(A, body)
    record["dynamodb"]["NewImage"][table.ACTOR] = {"S": actor}
    assert desk.process(record).failures == []
    end = desk.end_of(record)
    problem = end.attributes.get(table.PROBLEM)
    return end.status, None if problem is None else json.loads(str(problem))["type"].rpartition(":")[2]


def test_a_stored_command_ends_alike() -> None:
    desk = Desk(test_callers=[CALLER])
    assert stored(desk, OPEN_XTS, "AROASTRANGER") == (table.REJECTED, PROBLEM)
    assert stored(desk, {"type": "CreditAccount", "amount": 1}, CALLER) == (table.REJECTED, "account-not-found")
    assert stored(desk, OPEN_XTS, CALLER) == (table.SUCCEEDED, None)
    assert stored(desk, {"type": "CreditAccount", "amount": 1}, "AROASTRANGER") == (table.SUCCEEDED, None)


def test_in_one_run_each_command_counts_for_its_own_caller() -> None:
    desk = Desk(test_callers=[CALLER])
    refused, opened = desk.record(A, OPEN_XTS), desk.record(A, OPEN_XTS)
    for record, actor in ((refused, "AROASTRANGER"), (opened, CALLER)):
        record["dynamodb"]["NewImage"][table.ACTOR] = {"S": actor}
    assert desk.process(refused, opened).failures == []
    assert [desk.end_of(each).status for each in (refused, opened)] == [table.REJECTED, table.SUCCEEDED]


@pytest.mark.parametrize("currency", get_args(Currency))
def test_no_other_currency_is_for_test_callers(currency: str) -> None:
    command = OpenAccount(currency=currency)  # type: ignore[arg-type]
    check_caller(command, CALLER, [CALLER])
    if currency != TEST_CURRENCY:
        check_caller(command, "AROASTRANGER", [])
        return
    with pytest.raises(NoTestCallerError):
        check_caller(command, "AROASTRANGER", [CALLER])


def test_a_command_without_a_currency_is_for_everybody() -> None:
    check_caller(CreditAccount(amount=1), "AROASTRANGER", [])
