"""A client that openapi-python-client makes from the contract is complete: it is made, imported and used over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lambdas.contracts.openapi import openapi_document
from tests.support.clocks import START
from tests.support.generated_client import GeneratedClient, generate, imported
from tests.support.whole_api import WholeApi, served

pytestmark = pytest.mark.programs

PROBLEM = "urn:daybook:problem:"
CORRELATION = "generated-client-1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the client was made, without a warning."""
    folder = tmp_path_factory.mktemp("client")
    done = generate(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    return folder


@pytest.fixture(scope="module")
def generated(folder: Path) -> Iterator[GeneratedClient]:
    with imported(folder) as client:
        yield client


class Bank:
    """What a program does with the client."""

    def __init__(self, generated: GeneratedClient, api: WholeApi, url: str) -> None:
        self.models = generated.models
        self.api = api
        self._generated = generated
        self._client = generated.at(url)

    def call(self, operation: str, *path: str, **more: Any) -> Any:
        """The parsed answer, and never None: that is what the client makes of an answer it does not know."""
        parsed = self._generated.operation(operation).sync(*path, client=self._client, **more)
        assert parsed is not None
        return parsed

    def open(self, balance: int = 0) -> str:
        account = self.call("open_account", body=self.models.OpenAccount(currency=self.models.Currency.EUR))
        if balance:
            self.call("credit_account", account.account_id, body=self.models.CreditAccount(amount=balance))
        return str(account.account_id)


@pytest.fixture
def bank(generated: GeneratedClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bank]:
    with served(monkeypatch) as (api, url):
        yield Bank(generated, api, url)


def test_what_is_left_out_of_a_client_is_noticed(tmp_path: Path) -> None:
    document = openapi_document()
    (content,) = document["components"]["responses"]["contention"]["content"].values()
    any_problem = {"$ref": "#/components/schemas/Problem"}
    content["schema"] = {"allOf": [any_problem, {"properties": {"status": {"const": 409}}}]}
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    done = generate(tmp_path, tmp_path / "openapi.json")
    assert done.returncode != 0
    assert "response will be omitted from generated client" in done.stdout + done.stderr


def test_an_account_is_opened_and_credited(bank: Bank) -> None:
    account_id = bank.open()
    body = bank.models.CreditAccount(amount=500, reference="rent", occurred_at=datetime(2026, 2, 28, tzinfo=UTC))

    account = bank.call("credit_account", account_id, body=body, idempotency_key="rent-1")

    assert isinstance(account, bank.models.Account)
    assert (account.balance, account.version, account.currency) == (500, 2, "EUR")
    assert account.status is bank.models.AccountStatus.OPEN
    assert account.updated_at == START
    assert bank.call("get_account", account_id, version=1).balance == 0
    assert bank.call("get_account", account_id, at=START).balance == 500


def test_a_refusal_is_a_problem_of_a_class_of_its_own(bank: Bank) -> None:
    account_id = bank.open(balance=100)
    body = bank.models.WithdrawFromAccount(amount=101)

    problem = bank.call("withdraw_from_account", account_id, body=body, x_correlation_id=CORRELATION)

    assert isinstance(problem, bank.models.InsufficientFundsProblem)
    assert (problem.type_.value, problem.status.value) == (f"{PROBLEM}insufficient-funds", 422)
    assert problem.correlation_id == CORRELATION
    assert problem.title
    assert problem.detail


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"if_match": '"7"'}, "PreconditionFailedProblem"),
        ({"if_match": "7"}, "InvalidRequestProblem"),
        ({"account_id": "00000000-0000-4000-8000-000000000000"}, "AccountNotFoundProblem"),
    ],
)
def test_every_kind_of_error_is_told_by_its_class(bank: Bank, arguments: dict[str, str], name: str) -> None:
    account_id = arguments.pop("account_id", None) or bank.open()
    problem = bank.call("close_account", account_id, body=bank.models.CloseAccount(), **arguments)
    assert type(problem).__name__ == name
    assert problem.detail


def test_a_transfer_and_the_history_of_both_accounts(bank: Bank) -> None:
    sender, receiver = bank.open(balance=300), bank.open()
    body = bank.models.Transfer(from_account_id=sender, to_account_id=receiver, amount=200, reference="rent")

    done = bank.call("transfer", body=body)

    assert isinstance(done, bank.models.TransferResult)
    assert (done.from_.balance, done.to.balance) == (100, 200)
    sent, credited, created = bank.call("get_history", sender).events
    assert isinstance(sent, bank.models.TransferSentEntry)
    assert isinstance(credited, bank.models.BalanceCreditedEntry)
    assert isinstance(created, bank.models.AccountCreatedEntry)
    assert [entry.version for entry in (sent, credited, created)] == [3, 2, 1]
    assert {entry.occurred_at for entry in (sent, credited)} == {START}
    assert {entry.recorded_at for entry in (sent, credited)} == {START}
    assert isinstance(sent.data, bank.models.TransferSent)
    assert (sent.data.to_account_id, sent.data.amount) == (receiver, 200)
    page = bank.call("get_history", receiver, limit=1)
    assert isinstance(page.events[0], bank.models.TransferReceivedEntry)
    (first,) = bank.call("get_history", receiver, cursor=page.next_cursor).events
    assert isinstance(first, bank.models.AccountCreatedEntry)


def test_accounts_are_listed_page_by_page_and_read_by_their_ids(bank: Bank) -> None:
    accounts = sorted(bank.open(balance=10) for _ in range(3))

    filters = {"status": bank.models.ListAccountsStatus.OPEN, "currency": "EUR"}
    first = bank.call("list_accounts", **filters, limit=2)
    second = bank.call("list_accounts", **filters, limit=2, cursor=first.next_cursor)

    assert isinstance(first, bank.models.AccountList)
    assert (len(first.accounts), len(second.accounts), second.next_cursor) == (2, 1, None)
    assert sorted(each.account_id for each in (*first.accounts, *second.accounts)) == accounts
    (summary,) = bank.call("list_accounts", ids=accounts[0], min_version=2).accounts
    assert isinstance(summary, bank.models.AccountSummary)
    assert (summary.balance, summary.version, summary.events, summary.opened_at) == (10, 2, 2, START)
    assert summary.status is bank.models.AccountSummaryStatus.OPEN
    later = bank.call("list_accounts", ids=",".join(accounts), min_version=3)
    assert isinstance(later, bank.models.VersionNotReachedProblem)


def test_totals_are_read_as_texts_of_digits(bank: Bank) -> None:
    bank.open(balance=10**15 - 1)
    day = START.date()

    totals = bank.call("get_totals", from_=day, to=day, currency="EUR")

    assert isinstance(totals, bank.models.Totals)
    assert (totals.from_, totals.to, totals.currency) == (day, day, "EUR")
    (booked,) = totals.totals
    assert (booked.day, booked.opened, booked.events) == (day, 1, 2)
    assert (booked.credited, booked.withdrawn, int(booked.net)) == ("999999999999999", "0", 10**15 - 1)
    problem = bank.call("get_totals", from_=day, to=day - timedelta(days=1), currency="EUR")
    assert isinstance(problem, bank.models.InvalidRequestProblem)
    assert problem.field == "to"


def test_an_asynchronous_command_is_stored_and_its_status_read(bank: Bank) -> None:
    account_id, models = bank.open(balance=10), bank.models
    credit = models.AsynchronousCreditAccount(type_=models.AsynchronousCreditAccountType.CREDITACCOUNT, amount=5)
    close = models.AsynchronousCloseAccount(type_=models.AsynchronousCloseAccountType.CLOSEACCOUNT)

    accepted = bank.call("submit_command", account_id, body=credit, idempotency_key="c-1")
    refused = bank.call("submit_command", account_id, body=close, x_correlation_id=CORRELATION)

    assert isinstance(accepted, models.CommandAccepted)
    assert (accepted.command_id, accepted.status.value) == ("c-1", "PENDING")
    assert bank.call("get_command", account_id, "c-1").status is models.CommandStatusStatus.PENDING
    bank.api.carry_out()
    status = bank.call("get_command", account_id, "c-1")
    assert isinstance(status, models.CommandStatus)
    assert (status.status.value, status.version, status.balance) == ("SUCCEEDED", 3, 15)
    rejected = bank.call("get_command", account_id, refused.command_id)
    assert rejected.status is models.CommandStatusStatus.REJECTED
    assert isinstance(rejected.problem, models.Problem)
    assert (rejected.problem.type_.value, rejected.problem.status) == (f"{PROBLEM}balance-not-zero", 422)
    assert rejected.problem.correlation_id == CORRELATION


@pytest.mark.parametrize("command", ["OpenAccount", "CreditAccount", "WithdrawFromAccount", "CloseAccount", "Transfer"])
def test_an_asynchronous_command_cannot_be_made_without_its_type(generated: GeneratedClient, command: str) -> None:
    with pytest.raises(TypeError, match="type_"):
        getattr(generated.models, f"Asynchronous{command}")()
    untagged = {"account_id": "a", "currency": "EUR", "amount": 1, "from_account_id": "a", "to_account_id": "b"}
    with pytest.raises(KeyError, match="type"):
        getattr(generated.models, f"Asynchronous{command}").from_dict(untagged)


def test_every_answer_of_every_operation_is_parsed(generated: GeneratedClient) -> None:
    """`sync` gives None for a status that the client does not know, and for one without a body."""
    for item in openapi_document()["paths"].values():
        for operation in item.values():
            name = "".join(f"_{each.lower()}" if each.isupper() else each for each in operation["operationId"])
            source = Path(generated.operation(name).__file__).read_text("utf-8")
            for status in operation["responses"]:
                assert f"response.status_code == {status}:" in source, f"{name} {status}"
