"""Behind a custom domain: with a base path each operation answers as it does without one."""

from __future__ import annotations

import uuid
from urllib.parse import urljoin

import pytest

from lambdas.contracts.examples import command_example
from lambdas.contracts.operations import OPERATIONS, Operation
from lambdas.httpapi.routing import GATEWAY_ROUTES, served
from tests.unit.httpapi.suite.api import Call
from tests.unit.httpapi.suite.gateway import found
from tests.unit.httpapi.suite.in_process import InProcessApi, in_process_api

BASES = ["", "/ledger", "/bank/v2", "/accounts", "/accounts/transfers"]
UNKNOWN = "00000000-0000-4000-8000-000000000000"

with_and_without = pytest.mark.parametrize("base_path", BASES, ids=lambda base: base or "none")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, base_path: str) -> InProcessApi:
    return in_process_api(monkeypatch, base_path=base_path)


QUERIES = {"getTotals": {"from": "2026-03-01", "to": "2026-03-31", "currency": "EUR"}}


def wanted(api: InProcessApi, operation: Operation) -> tuple[int, str, object]:
    """The status of a right request, its path and its body."""
    body = None if operation.command is None else command_example(operation.command, tagged=False)
    if operation.operation_id == "transfer":
        assert isinstance(body, dict)
        body |= {"from_account_id": api.open(balance=10**6), "to_account_id": api.open()}
    balance = 0 if operation.operation_id == "closeAccount" else 10**6
    return operation.status, operation.path.format(account_id=api.open(balance=balance), version=1), body


@with_and_without
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.operation_id)
def test_every_operation_is_served(api: InProcessApi, operation: Operation) -> None:
    status, path, body = wanted(api, operation)

    query = QUERIES.get(operation.operation_id, {})
    answer = api.get(path, **query) if operation.method == "GET" else api.post(path, body)

    assert answer.status == status


@with_and_without
@pytest.mark.parametrize("path", [*(each.path for each in OPERATIONS), *GATEWAY_ROUTES])
def test_every_other_method_is_told(api: InProcessApi, path: str) -> None:
    answer = api.send(Call("PATCH", path.format(account_id=UNKNOWN, command_id="c-1", version=1)))

    assert (answer.status, answer.problem) == (405, "method-not-allowed")


@with_and_without
@pytest.mark.parametrize("path", ["/", "/accounts/", f"/accounts/{UNKNOWN}/", "//accounts", f"/accounts//{UNKNOWN}"])
def test_other_spellings_of_a_path_are_other_paths(api: InProcessApi, path: str) -> None:
    for call in (Call("GET", path), Call("POST", path, (), [("Content-Type", "application/json")], b"{}")):
        answer = api.send(call)
        assert (answer.status, answer.problem) == (404, "not-found")
    if path != "/":  # without a base path it has no other spelling
        assert ("slash" in answer.json().get("detail", "")) == path.endswith("/")


@with_and_without
def test_location_leads_to_the_account(api: InProcessApi, base_path: str) -> None:
    """RFC 3986, section 5: relative to the URL of the request, whatever the domain's base path is."""
    asked = f"https://bank.example{base_path}/accounts"

    answer = api.post("/accounts", {"currency": "EUR"})

    account_id = answer.json()["account_id"]
    assert urljoin(asked, answer.headers["location"]) == f"{asked}/{account_id}"
    assert uuid.UUID(account_id)


def test_a_key_is_the_same_on_both_domains(monkeypatch: pytest.MonkeyPatch) -> None:
    api = in_process_api(monkeypatch)
    account_id, key = api.open(), {"Idempotency-Key": "order-17"}
    first = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, key)
    opened = api.post("/accounts", {"currency": "EUR"}, key)

    api.base_path = "/ledger"
    second = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, key)
    opened_again = api.post("/accounts", {"currency": "EUR"}, key)

    assert (second.status, second.body, second.headers["idempotent-replayed"]) == (200, first.body, "true")
    assert (opened_again.status, opened_again.headers["location"]) == (201, opened.headers["location"])


@with_and_without
def test_the_log_names_the_template(api: InProcessApi, caplog: pytest.LogCaptureFixture) -> None:
    api.get(f"/accounts/{UNKNOWN}")
    api.get("/nowhere")

    routes = [getattr(record, "route", None) for record in caplog.records if record.message == "request answered"]
    assert routes == ["/accounts/{account_id}", "unknown"]


@pytest.mark.parametrize("sent", [f"/accounts/{UNKNOWN}", f"/b/accounts/{UNKNOWN.replace('-', '%2D')}"])
def test_an_id_may_be_percent_encoded_in_the_path(sent: str) -> None:
    resource, parameters = found(f"/accounts/{UNKNOWN}")
    assert served(resource, parameters, sent)[0] == resource
