"""A key is its caller's own: a stranger's command does not exist, and nobody can occupy another's key."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from local.gateway.answers import Answer
from tests.support.command_gateway import ACCOUNT, TABLE, CommandGateway, Rows, problem
from tests.support.runs import seeds

OTHER = "7b0d7a55-1c1b-4a51-8a51-0a5f5f0b8f11"
SEEDS = seeds(check=6, test=30, soak=2_000)
STEPS = 25
CALLERS = ("", "AROAONE:a", "AROAONE:b", "AROATWO:a", "AIDATHREE")
"""The second and the third are one principal in two sessions."""


def body(amount: int) -> bytes:
    return json.dumps({"type": "CreditAccount", "amount": amount}).encode()


def key(text: str) -> list[tuple[str, str]]:
    return [("Idempotency-Key", text)]


def shown(answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(answer.body)
    return document


def test_two_callers_number_their_keys_alike(rows: Rows) -> None:
    """Each has its own command, sends it again and looks at it, whatever the other does."""
    gateway = CommandGateway(TABLE)

    answers = [gateway.post(body(n), key("1"), caller=caller) for n, caller in ((1, "AROAONE:a"), (2, "AROATWO:a"))]

    assert [answer.status for answer in answers] == [202, 202]
    for answer in answers:
        assert shown(answer) == {"command_id": "1", "account_id": ACCOUNT, "status": "PENDING"}
        assert answer.headers["Location"] == "commands/1"
    assert {(row["command_id"]["S"], row["actor"]["S"], row["body"]["B"]) for row in rows.all()} == {
        ("AROAONE/1", "AROAONE", body(1)),
        ("AROATWO/1", "AROATWO", body(2)),
    }
    assert gateway.post(body(1), key("1"), caller="AROAONE:b").status == 202, "another session of the same principal"
    assert gateway.post(body(1), key("1"), caller="AROATWO:a").status == 422
    assert len(rows.all()) == 2


@pytest.mark.parametrize("stranger", ["", "AROATWO:a", "AROAON", "AROAONEE"])
def test_a_strangers_command_does_not_exist(rows: Rows, stranger: str) -> None:
    gateway = CommandGateway(TABLE)
    gateway.post(body(1), key("1"), caller="AROAONE:a")

    assert gateway.get("1", caller="AROAONE:b").status == 200
    for asked in ("1", "AROAONE/1", "AROAONE%2F1", "AROAONE%2f1", "/1", "%2F1"):
        answer = gateway.get(asked, caller=stranger)
        assert (answer.status, problem(answer)["type"]) == (404, "urn:daybook:problem:command-not-found"), asked


@pytest.mark.parametrize("taken", ["AROAONE/1", "AROAONE%2F1", "/1"])
def test_no_key_reaches_into_another_callers(rows: Rows, taken: str) -> None:
    answer = CommandGateway(TABLE).post(body(1), key(taken), caller="AROATWO:a")

    assert (answer.status, problem(answer)["field"]) == (400, "Idempotency-Key")
    assert rows.all() == []


@pytest.mark.parametrize("caller", [":session", 'a"b', "a/b", "a b", "é", "a\nb:s", "a" * 129, "$caller", "#end"])
def test_a_caller_that_is_no_principals_id_is_refused_and_finds_nothing(rows: Rows, caller: str) -> None:
    gateway = CommandGateway(TABLE)

    answer = gateway.post(body(1), key("1"), caller=caller)

    assert (answer.status, problem(answer)["type"]) == (403, "urn:daybook:problem:forbidden")
    assert rows.all() == []
    assert gateway.get("1", caller=caller).status == 404


def play(rows: Rows, seed: int) -> None:
    """Posts and looks of several callers under few keys; what is stored and shown is each caller's own."""
    rng, gateway = random.Random(seed), CommandGateway(TABLE)
    model: dict[tuple[str, str, str], bytes] = {}
    rows.clear()
    for _ in range(STEPS):
        caller, account, name = rng.choice(CALLERS), rng.choice((ACCOUNT, OTHER)), rng.choice(("1", "2"))
        own = (account, caller.partition(":")[0] or "anonymous", name)
        if rng.random() < 0.5:
            sent = body(rng.randint(1, 2))
            expected = 202 if model.setdefault(own, sent) == sent else 422
            assert gateway.post(sent, key(name), account_id=account, caller=caller).status == expected, f"seed {seed}"
        else:
            found = gateway.get(name, account_id=account, caller=caller)
            assert found.status == (200 if own in model else 404), f"seed {seed}"
            assert found.status == 404 or (shown(found)["account_id"], shown(found)["command_id"]) == (account, name)
    stored = {
        (row["account_id"]["S"], row["actor"]["S"], row["command_id"]["S"].partition("/")[2]): row["body"]["B"]
        for row in rows.all()
    }
    assert stored == model, f"seed {seed}"


@pytest.mark.parametrize("seed", SEEDS)
def test_seeded_callers(rows: Rows, seed: int) -> None:
    play(rows, seed)
