"""What a request's log line says of it: enough to follow it by its correlation id, and nothing of its body."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.eventsourcing.memory import InMemoryEventStore
from tests.unit.httpapi.suite.in_process import InProcessApi, in_process_api

CORRELATED = {"X-Correlation-Id": "order-17"}
KEYED = {**CORRELATED, "Idempotency-Key": "k"}
AMOUNT, SECRET = 987654, "nobody-reads-this"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> InProcessApi:
    return in_process_api(monkeypatch, store=InMemoryEventStore())


def answered(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """The newest line of a request."""
    return vars([record for record in caplog.records if record.message == "request answered"][-1])


def test_a_command_names_the_event_that_it_appended(api: InProcessApi, caplog: pytest.LogCaptureFixture) -> None:
    account_id = api.post("/accounts", {"currency": "EUR"}, CORRELATED).json()["account_id"]
    assert answered(caplog)["events"] == [f"{account_id}/1"]
    api.post(f"/accounts/{account_id}/credit", {"amount": AMOUNT, "reference": SECRET}, CORRELATED)
    line = answered(caplog)
    assert (line["status"], line["events"]) == (200, [f"{account_id}/2"])
    assert "replayed" not in line
    assert not {str(AMOUNT), SECRET} & set(str(line).replace("'", " ").split())


def test_a_transfer_names_the_events_of_both_accounts(api: InProcessApi, caplog: pytest.LogCaptureFixture) -> None:
    sender, receiver = api.open(balance=10), api.open()
    body = {"from_account_id": sender, "to_account_id": receiver, "amount": 1}
    api.post("/transfers", body, CORRELATED)
    assert answered(caplog)["events"] == [f"{sender}/3", f"{receiver}/2"]


def test_a_replay_names_the_event_of_the_request_before_it_and_says_so(
    api: InProcessApi, caplog: pytest.LogCaptureFixture
) -> None:
    account_id = api.open()
    for replayed in (False, True):
        api.post(f"/accounts/{account_id}/credit", {"amount": 1}, KEYED)
        line = answered(caplog)
        assert (line["events"], line.get("replayed", False)) == ([f"{account_id}/2"], replayed)


def test_a_repeated_opening_names_the_first_event(api: InProcessApi, caplog: pytest.LogCaptureFixture) -> None:
    account_id = api.post("/accounts", {"currency": "EUR"}, KEYED).json()["account_id"]
    api.post("/accounts", {"currency": "EUR"}, KEYED)
    line = answered(caplog)
    assert (line["events"], line["replayed"]) == ([f"{account_id}/1"], True)


def test_a_refusal_names_its_problem_and_no_event_and_so_does_its_replay(
    api: InProcessApi, caplog: pytest.LogCaptureFixture
) -> None:
    account_id = api.open()
    for _ in range(2):
        assert api.post(f"/accounts/{account_id}/withdraw", {"amount": 1}, KEYED).status == 422
        assert "events" not in answered(caplog)
    assert answered(caplog)["replayed"] is True
    api.post(f"/accounts/{account_id}/withdraw", {"amount": 1}, CORRELATED)
    assert answered(caplog)["problem"] == "insufficient-funds"


def test_a_read_names_neither(api: InProcessApi, caplog: pytest.LogCaptureFixture) -> None:
    api.get(f"/accounts/{api.open()}", CORRELATED)
    line = answered(caplog)
    assert (line["method"], line["status"]) == ("GET", 200)
    assert not {"events", "problem", "replayed"} & line.keys()
