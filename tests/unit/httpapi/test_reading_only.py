"""An environment that takes no commands, as while its tables are restored."""

from __future__ import annotations

import pytest

from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.store import EventStore
from lambdas.httpapi.reading_only import COMMANDS
from tests.unit.httpapi.suite.api import Call
from tests.unit.httpapi.suite.in_process import InProcessApi, in_process_api

ACCOUNT = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def store() -> EventStore:
    return InMemoryEventStore()


def reading_only(monkeypatch: pytest.MonkeyPatch, store: EventStore) -> InProcessApi:
    return in_process_api(monkeypatch, store=store, writes="off")


def test_every_operation_that_is_no_get_takes_a_command() -> None:
    assert {method for method, _ in COMMANDS} == {"POST"}
    assert ("POST", "/accounts/{account_id}/commands") in COMMANDS
    assert ("POST", "/transfers") in COMMANDS


@pytest.mark.parametrize(("method", "path"), sorted(COMMANDS))
@pytest.mark.parametrize("body", [b"{}", b'{"amount": 1}', b"no JSON"])
def test_every_command_is_not_applied_whatever_is_in_it(
    monkeypatch: pytest.MonkeyPatch, store: EventStore, method: str, path: str, body: bytes
) -> None:
    api = reading_only(monkeypatch, store)
    answer = api.send(Call(method, path.format(account_id=ACCOUNT), headers=(("Idempotency-Key", "k"),), body=body))
    assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "not-applied", "60")
    assert answer.json()["detail"] == "no commands are taken while the ledger is restored; reading goes on"


def test_reading_goes_on(monkeypatch: pytest.MonkeyPatch, store: EventStore) -> None:
    account = in_process_api(monkeypatch, store=store).open(balance=12)
    api = reading_only(monkeypatch, store)
    assert api.get(f"/accounts/{account}").json()["balance"] == 12
    assert api.get(f"/accounts/{account}", version=1).json()["balance"] == 0
    assert len(api.get(f"/accounts/{account}/events").json()["events"]) == 2
    assert api.get(f"/accounts/{account}", min_version=3).problem == "version-not-reached"
    assert [each["balance"] for each in api.get("/accounts", ids=account).json()["accounts"]] == [12]
    assert [each["account_id"] for each in api.get("/accounts").json()["accounts"]] == [account]
    assert api.get("/totals", **{"from": "2026-01-01", "to": "2026-12-31", "currency": "EUR"}).status == 200


def test_what_no_path_supports_stays_405(monkeypatch: pytest.MonkeyPatch, store: EventStore) -> None:
    answer = reading_only(monkeypatch, store).exchange(Call("DELETE", f"/accounts/{ACCOUNT}"))
    assert (answer.status, answer.problem) == (405, "method-not-allowed")
