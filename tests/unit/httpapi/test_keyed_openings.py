"""`POST /accounts` under a key: caller and key give the account's id, which proves for ever what they opened."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Deadline
from lambdas.httpapi.idempotency import derived_account_id
from tests.unit.httpapi.suite.api import Answer
from tests.unit.httpapi.suite.in_process import InProcessApi, in_process_api

KEY = {"Idempotency-Key": "order-1"}
EUROS: dict[str, Any] = {"currency": "EUR"}
FULL = {"currency": "EUR", "overdraft_limit": 5, "occurred_at": "2026-02-01T00:00:00Z"}
OTHERS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (EUROS, EUROS | {"currency": "JPY"}),
    (EUROS, EUROS | {"overdraft_limit": 1}),
    (FULL, FULL | {"overdraft_limit": 6}),
    (FULL, {"currency": "EUR"}),
    (FULL, FULL | {"occurred_at": "2026-02-01T00:00:00.001Z"}),
    (EUROS, EUROS | {"occurred_at": "2026-02-01T00:00:00Z"}),
]


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class World:
    """A store that outlives containers; a request may come to one that remembers the account, or to another."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.clock, self._monkeypatch = InMemoryEventStore(), Clock(), monkeypatch
        self.api = self.container()

    def container(self) -> InProcessApi:
        """A container that remembers nothing."""
        self.api = in_process_api(self._monkeypatch, store=self.store, clock=self.clock, caller="AROAONE:a")
        return self.api

    def actors(self, account_id: str) -> list[str]:
        """Who caused each event."""
        rows = self.store.read(account_id, deadline=Deadline()).rows
        return [json.loads(row.metadata)["actor"] for row in rows]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def opened(answer: Answer) -> str:
    assert answer.status == 201, answer
    return str(answer.json()["account_id"])


warm = pytest.mark.parametrize("warm", [True, False], ids=["remembered", "not remembered"])
later = pytest.mark.parametrize("days", [0, 8, 3_000], ids=["receipt lives", "receipt is gone", "years later"])


@warm
@later
@pytest.mark.parametrize("body", [EUROS, FULL, EUROS | {"overdraft_limit": 0}], ids=["least", "all", "default"])
@pytest.mark.parametrize("changed", [False, True], ids=["untouched", "used and closed"])
def test_a_repeat_is_answered_as_at_first(
    world: World, body: dict[str, Any], days: int, *, warm: bool, changed: bool
) -> None:
    first = world.api.post("/accounts", body, KEY)
    account_id = opened(first)
    if changed:
        world.api.post(f"/accounts/{account_id}/credit", {"amount": 1})
        world.api.post(f"/accounts/{account_id}/withdraw", {"amount": 1})
        world.api.post(f"/accounts/{account_id}/close")
    version = world.api.version(account_id)
    world.clock.now += timedelta(days=days)

    for _ in range(3):
        again = (world.api if warm else world.container()).post("/accounts", body, KEY)

        assert (again.status, again.body) == (201, first.body)
        for name in ("location", "etag", "content-type"):
            assert again.headers[name] == first.headers[name]
        assert again.headers["idempotent-replayed"] == "true"
    assert world.api.version(account_id) == version


@warm
@later
@pytest.mark.parametrize(("body", "other"), OTHERS)
def test_another_request_under_the_key_is_told_which_account_it_opened(
    world: World, body: dict[str, Any], other: dict[str, Any], days: int, *, warm: bool
) -> None:
    account_id = opened(first := world.api.post("/accounts", body, KEY))
    world.clock.now += timedelta(days=days)

    for _ in range(2):
        answer = (world.api if warm else world.container()).post("/accounts", other, KEY)

        assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
        assert answer.json()["account_id"] == account_id
        assert account_id in answer.json()["detail"]
    again = (world.api if warm else world.container()).post("/accounts", body, KEY)
    assert (again.status, again.body) == (201, first.body), (
        "the wrong request is not remembered in place of the right one"
    )


@warm
def test_a_key_of_a_refused_request_opens_no_account_and_names_none(world: World, *, warm: bool) -> None:
    """Whoever computes the id that the key leads to can have the refusal remembered where the opening looks."""
    derived = derived_account_id("AROAONE", KEY["Idempotency-Key"])
    refused = world.api.post("/transfers", {"from_account_id": derived, "to_account_id": derived, "amount": 1}, KEY)
    assert refused.status == 422, refused
    for _ in range(2):
        answer = (world.api if warm else world.container()).post("/accounts", EUROS, KEY)
        assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
        assert "account_id" not in answer.json()


@warm
@later
def test_a_time_left_out_is_another_request_as_long_as_the_receipt_knows(
    world: World, days: int, *, warm: bool
) -> None:
    """Without the receipt the event alone is asked, and it does not tell whether its time was given."""
    first = world.api.post("/accounts", FULL, KEY)
    world.clock.now += timedelta(days=days)
    less = {name: value for name, value in FULL.items() if name != "occurred_at"}
    again = (world.api if warm else world.container()).post("/accounts", less, KEY)
    if days == 0:
        assert (again.status, again.problem) == (422, "idempotency-key-reused")
        assert again.json()["account_id"] == opened(first)
    else:
        assert (again.status, again.body) == (201, first.body)


def test_another_caller_opens_another_account_under_the_key(world: World) -> None:
    mine = opened(world.api.post("/accounts", EUROS, KEY))
    world.clock.now += timedelta(days=8)
    world.api.caller = "AROATWO:a"
    theirs = opened(world.api.post("/accounts", EUROS, KEY))
    assert mine != theirs
    assert (world.actors(mine), world.actors(theirs)) == (["AROAONE"], ["AROATWO"])
    assert {uuid.UUID(each).version for each in (mine, theirs)} == {8}


def test_an_account_that_somebody_else_opened_proves_nothing(world: World) -> None:
    """Nobody can open one with a derived id in another way; if it were there all the same, it is not the caller's."""
    account_id = opened(world.api.post("/accounts", EUROS, KEY))
    rows = world.store._streams[account_id]
    rows[0] = replace(rows[0], metadata=rows[0].metadata.replace("AROAONE", "AROATWO"))
    world.clock.now += timedelta(days=8)
    answer = world.container().post("/accounts", EUROS, KEY)
    assert (answer.status, answer.problem, answer.json()["account_id"]) == (422, "idempotency-key-reused", account_id)


def test_no_request_names_an_account_to_open(world: World) -> None:
    for field in ("account_id", "id"):
        answer = world.api.post("/accounts", EUROS | {field: str(uuid.uuid4())}, KEY)
        assert (answer.status, answer.json()["field"]) == (400, field)


def test_without_a_key_every_account_is_another_and_none_is_derived(world: World) -> None:
    ids = [opened(world.api.post("/accounts", EUROS)) for _ in range(3)]
    assert [uuid.UUID(each).version for each in ids] == [4, 4, 4]
