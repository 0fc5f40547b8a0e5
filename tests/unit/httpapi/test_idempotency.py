"""What is recorded of a caller, and how long an answer is remembered."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from lambdas.accounts.state import Account
from lambdas.eventsourcing.decider import Committed, Loaded
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.retry import Deadline
from lambdas.httpapi.idempotency import derived_account_id
from lambdas.httpapi.replies import remember
from lambdas.httpapi.views import transfer_reply
from tests.unit.httpapi.suite.in_process import in_process_api

ACCOUNT_ID = "00000000-0000-4000-8000-000000000001"
TOKENS = st.text("ABCz09._:-", min_size=1, max_size=64)


def test_the_derived_account_id_never_changes() -> None:
    assert derived_account_id("AROAEXAMPLE", "order-1") == "3d9481ff-ba2d-868a-8823-6c60603433cd"


@given(TOKENS, TOKENS, TOKENS, TOKENS)
@settings(deadline=None)
def test_derived_account_ids(caller: str, key: str, other_caller: str, other_key: str) -> None:
    account_id = derived_account_id(caller, key)
    parsed = uuid.UUID(account_id)
    assert (parsed.version, parsed.variant, str(parsed)) == (8, uuid.RFC_4122, account_id)
    same = (caller, key) == (other_caller, other_key)
    assert (account_id == derived_account_id(other_caller, other_key)) == same


def test_the_longest_answer_leaves_a_receipt_within_one_kilobyte() -> None:
    longest = Account("closed", "EUR", -(10**15 - 1), 10**15 - 1)
    account = Loaded(ACCOUNT_ID, longest, version=10**9, recorded_at="2026-03-01T09:30:00.250Z")
    reply = transfer_reply(ACCOUNT_ID)(Committed("commit", (account, account)))
    keys_and_hash = 64 + len(ACCOUNT_ID) + 22 + 32 + 150
    assert len(remember(reply)) + keys_and_hash < 1024


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_answers_are_remembered_for_seven_days(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    api = in_process_api(monkeypatch, clock=clock)
    account_id, key = api.open(), {"Idempotency-Key": "key"}
    api.post(f"/accounts/{account_id}/credit", {"amount": 1}, key)
    clock.now += timedelta(days=7) - timedelta(seconds=1)
    assert api.post(f"/accounts/{account_id}/credit", {"amount": 1}, key).json()["balance"] == 1
    clock.now += timedelta(seconds=2)
    again = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, key)
    assert (again.json()["balance"], "idempotent-replayed" in again.headers) == (2, False)


@pytest.mark.parametrize(
    ("caller", "actor"),
    [("AROAEXAMPLE:session-of-somebody", "AROAEXAMPLE"), ("AIDAEXAMPLE", "AIDAEXAMPLE"), (None, "anonymous")],
)
def test_the_principal_is_recorded_without_its_session(
    monkeypatch: pytest.MonkeyPatch, caller: str | None, actor: str
) -> None:
    store = InMemoryEventStore()
    api = in_process_api(monkeypatch, store=store, caller=caller)
    account_id = api.post("/accounts", {"currency": "EUR"}, {"X-Correlation-Id": "corr"}).json()["account_id"]
    metadata = json.loads(store.read(account_id, deadline=Deadline()).rows[0].metadata)
    assert metadata == {"command_id": metadata["command_id"], "correlation_id": "corr", "actor": actor}
    assert uuid.UUID(metadata["command_id"]).version == 4


def test_accounts_under_one_key_differ_by_caller_not_by_session(monkeypatch: pytest.MonkeyPatch) -> None:
    api = in_process_api(monkeypatch)
    ids = []
    for caller in ("AROAONE:a", "AROAONE:b", "AROATWO:a"):
        api.caller = caller
        answer = api.post("/accounts", {"currency": "EUR"}, {"Idempotency-Key": "key"})
        ids.append(answer.json()["account_id"])
    assert ids[0] == ids[1] != ids[2]
