"""The steps on an account: green on an API that is right, and red for each thing that could be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.httpapi.suite.api import Answer, Call
from tests.unit.smoke.conftest import RUN, Change, Tried

NAMES = ["open", "credit", "withdraw", "read", "version", "moment", "replay", "stored command"]


def statuses(tried: Tried, run: str = RUN) -> dict[str, str]:
    return {name: each.status for name, each in tried.run(run).items()}


def test_all_steps_go_well_and_leave_the_balance_as_it_was(tried: Tried) -> None:
    found = tried.run()
    assert [(name, each.status, each.why) for name, each in found.items()] == [(name, "ok", "") for name in NAMES]
    assert "opened now" in found["open"].told
    account = found["open"].told.partition(",")[0]
    assert json.loads(tried.api.answer(Call("GET", f"/accounts/{account}")).body)["balance"] == 0


def test_a_second_run_of_the_day_uses_the_same_account(tried: Tried) -> None:
    first, second = tried.run("smoke-1"), tried.run("smoke-2")
    assert {each.status for each in second.values()} == {"ok"}
    assert "opened before" in second["open"].told
    assert first["open"].told.partition(",")[0] == second["open"].told.partition(",")[0]


def test_another_run_in_between_does_no_harm(tried: Tried) -> None:
    """Two pipelines on one day: after each step of the one, a whole run of the other."""
    mine = tried.account(run="smoke-1")
    for number, step in enumerate(mine.steps()):
        step.check()
        others = tried.run(f"other-{number}")
        assert {each.status for each in others.values()} == {"ok"}


def test_every_request_is_signed_and_can_be_traced(tried: Tried) -> None:
    tried.run()
    for call in tried.calls:
        headers = {name.lower(): value for name, value in call.headers}
        assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
        assert "/eu-central-1/execute-api/aws4_request" in headers["authorization"]
        assert headers["x-amz-security-token"] == "session-token"
        assert headers["x-correlation-id"] == RUN
    assert "secret" not in repr(tried.calls)


def changed(method: str, ending: str, change: Callable[[dict[str, Any]], dict[str, Any]], **headers: str) -> Change:
    """Answers to one kind of request with another body, or other headers."""

    def apply(call: Call, answer: Answer) -> Answer:
        if (call.method, call.target.rpartition("/")[2].partition("?")[0]) != (method, ending):
            return answer
        body = json.dumps(change(json.loads(answer.body)), separators=(",", ":")).encode()
        return replace(answer, body=body, headers={**answer.headers, **headers})

    return apply


def on_query(name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    def apply(call: Call, answer: Answer) -> Answer:
        if call.method != "GET" or [each for each, _ in call.query] != ([name] if name else []):
            return answer
        if "/commands/" in call.path:
            return answer
        return replace(answer, body=json.dumps(change(json.loads(answer.body))).encode())

    return apply


def off_from(version: int, more: int) -> Change:
    """The event of that version books `more` than it should, and all answers from then on fit to each other."""

    def apply(call: Call, answer: Answer) -> Answer:
        if answer.status not in {200, 202} or call.path == "/accounts":
            return answer
        body = json.loads(answer.body)
        if "balance" in body and body.get("version", 0) >= version:
            body["balance"] += more
        return replace(answer, body=json.dumps(body, separators=(",", ":")).encode())

    return apply


def no_replay(call: Call, answer: Answer) -> Answer:
    return replace(answer, headers={k: v for k, v in answer.headers.items() if k.lower() != "idempotent-replayed"})


WRONG: dict[str, tuple[Change, str, str]] = {
    "another currency": (changed("POST", "accounts", lambda a: a | {"currency": "EUR"}), "open", "EUR"),
    "money in a new account": (changed("POST", "accounts", lambda a: a | {"balance": 5}), "open", "balance=5"),
    "a credit that books nothing": (changed("POST", "credit", lambda a: a | {"version": 1}), "credit", "is 1"),
    "a credit of another amount": (off_from(2, 5), "version", "is 105, and must be 100"),
    "a stored withdrawal of another amount": (off_from(4, 7), "stored command", "is 7, and must be 0"),
    "a withdrawal of another amount": (
        changed("POST", "withdraw", lambda a: a | {"balance": 41}),
        "withdraw",
        "is 41, and must be 40",
    ),
    "a version that does not grow": (changed("POST", "withdraw", lambda a: a | {"version": 2}), "withdraw", "after 2"),
    "an old answer": (on_query("", lambda a: a | {"version": 2}), "read", "older"),
    "another balance": (on_query("", lambda a: a | {"balance": 7}), "read", "balance=7"),
    "the newest state for an old version": (on_query("version", lambda a: a | {"balance": 40}), "version", "=40"),
    "another version": (on_query("version", lambda a: a | {"version": 3}), "version", "version=3"),
    "the newest state for an old moment": (
        on_query("at", lambda a: a | {"version": 3, "balance": 40, "updated_at": "2026-03-01T09:31:00.000Z"}),
        "moment",
        "version=3",
    ),
    "the state before the moment": (on_query("at", lambda a: a | {"version": 1, "balance": 0}), "moment", "version=1"),
    "no mark of a replay": (no_replay, "replay", "booked twice"),
    "a body that is not the contract's": (
        changed("POST", "credit", lambda a: a | {"version": "two"}),
        "credit",
        "not as the contract says",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_fails_the_step_that_sees_it(tried: Tried, wrong: str) -> None:
    tried.change, name, why = WRONG[wrong]
    found = tried.run()
    assert found[name].status == "failed", found[name]
    assert why in found[name].why
    assert found[name].what
    assert found[name].look_at
    before = NAMES[: NAMES.index(name)]
    assert {found[each].status for each in before} <= {"ok"}


def test_a_replay_with_another_answer_is_seen(tried: Tried) -> None:
    def apply(call: Call, answer: Answer) -> Answer:
        replayed = any(name.lower() == "idempotent-replayed" for name in answer.headers)
        if replayed and call.path.endswith("/credit"):
            return replace(answer, body=answer.body.replace(b'"balance":100', b'"balance":200'))
        return answer

    tried.change = apply
    assert "differs from the first" in tried.run()["replay"].why


def test_what_comes_after_a_failed_step_is_named(tried: Tried) -> None:
    tried.change = WRONG["a credit that books nothing"][0]
    assert statuses(tried) == {"open": "ok", "credit": "failed"} | dict.fromkeys(NAMES[2:], "not-run")


def test_a_stored_command_that_is_not_carried_out_in_time(tried: Tried) -> None:
    account = tried.account(patience=3)
    account._sleep = lambda _: None  # nobody carries it out
    steps = {each.name: each for each in account.steps()}
    for name in ("open", "credit", "withdraw"):
        steps[name].check()
    with pytest.raises(Exception, match="still PENDING: it had 3 seconds"):
        steps["stored command"].check()


@pytest.mark.parametrize(
    ("status", "problem", "told"),
    [
        (
            "REJECTED",
            {"type": "urn:daybook:problem:insufficient-funds", "title": "Too little", "status": 422},
            "Too lit",
        ),
        ("FAILED", {"type": "urn:daybook:problem:processing-failed", "title": "It failed", "status": 500}, "It failed"),
    ],
)
def test_a_stored_command_that_ends_otherwise(tried: Tried, status: str, problem: dict[str, Any], told: str) -> None:
    def apply(call: Call, answer: Answer) -> Answer:
        if call.method == "GET" and "/commands/" in call.path:
            body = json.loads(answer.body) | {"status": status, "problem": problem}
            return replace(answer, body=json.dumps(body).encode())
        return answer

    tried.change = apply
    failed = tried.run()["stored command"]
    assert (failed.status, f"ended as {status}" in failed.what, told in failed.why) == ("failed", True, True)
