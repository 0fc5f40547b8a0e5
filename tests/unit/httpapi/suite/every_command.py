"""Every command to one account, by its operation in the contract: what all of them refuse, with their own examples."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.accounts.errors import AccountClosedError
from lambdas.contracts.examples import command_example
from lambdas.contracts.operations import OPERATIONS, Operation
from lambdas.contracts.problems import rule_broken
from tests.unit.httpapi.suite.api import Answer, Api
from tests.unit.httpapi.suite.commands import UNKNOWN

ON_AN_ACCOUNT = [each for each in OPERATIONS if each.command is not None and "AccountId" in each.parameters]
REFUSED_WHEN_CLOSED = [each for each in ON_AN_ACCOUNT if rule_broken(AccountClosedError) in each.problems]


def body(operation: Operation) -> dict[str, Any]:
    """The example of the operation's command, as this route takes it."""
    assert operation.command is not None
    document: dict[str, Any] = command_example(operation.command, tagged=False)
    return document


def send(api: Api, operation: Operation, account_id: str, document: Any, **headers: str) -> Answer:
    """The command, to one account."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.post(operation.path.replace("{account_id}", account_id), document, named)


@pytest.mark.parametrize("operation", ON_AN_ACCOUNT, ids=lambda each: each.operation_id)
class TestEveryCommand:
    def test_needs_an_account(self, api: Api, operation: Operation) -> None:
        answer = send(api, operation, UNKNOWN, body(operation))
        assert (answer.status, answer.problem) == (404, "account-not-found")

    def test_needs_a_uuid(self, api: Api, operation: Operation) -> None:
        answer = send(api, operation, "savings", body(operation))
        assert (answer.status, answer.json()["field"]) == (400, "account_id")

    def test_takes_no_unknown_field(self, api: Api, operation: Operation) -> None:
        answer = send(api, operation, api.open(), body(operation) | {"more": 1})
        assert (answer.status, answer.json()["field"]) == (400, "more")

    def test_takes_its_own_tag_and_no_other(self, api: Api, operation: Operation) -> None:
        assert operation.command is not None
        own, other = {"type": operation.command.__name__}, {"type": "OpenAccount"}
        assert send(api, operation, UNKNOWN, body(operation) | own).problem == "account-not-found"
        assert send(api, operation, UNKNOWN, body(operation) | other).json()["field"] == "type"

    def test_acts_on_the_version_that_was_seen_only(self, api: Api, operation: Operation) -> None:
        account_id = api.open()
        answer = send(api, operation, account_id, body(operation), If_Match='"7"')
        assert (answer.status, answer.problem) == (412, "precondition-failed")
        assert api.version(account_id) == 1


@pytest.mark.parametrize("operation", REFUSED_WHEN_CLOSED, ids=lambda each: each.operation_id)
class TestEveryCommandToAClosedAccount:
    def test_is_refused(self, api: Api, operation: Operation) -> None:
        account_id = api.open()
        assert api.post(f"/accounts/{account_id}/close").status == 200
        answer = send(api, operation, account_id, body(operation))
        assert (answer.status, answer.problem) == (422, "account-closed")
        assert api.version(account_id) == 2
