"""Requests generated from the committed OpenAPI document against the deployed API: schemathesis.

Its examples, its coverage of every boundary and its random cases, right and wrong ones, are sent to accounts that
exist; every answer must be one the document knows, wrong data must be refused, and nothing may be a 5xx. Only the
asynchronous route may accept wrong data, a day that does not exist: it has no calendar, and the processor refuses it.
"""

from __future__ import annotations

import re
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import Case, Response
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from lambdas.accounts.text import UUID_PATTERN
from lambdas.contracts.openapi import OPENAPI_FILE
from local.machine.environment import Environment
from tests.unit.httpapi.suite.api import new_key
from tests.unit.httpapi.suite.over_http import HttpApi

ACCOUNT_FIELDS = ("account_id", "from_account_id", "to_account_id")
NOT_CHECKED: list[CheckFunction] = [
    not_a_server_error,  # read-your-writes may answer 503: see below
    positive_data_acceptance,  # well-formed commands may break a rule, and queries exclude each other
]
ACCEPTS_WRONG_DATA = "submitCommand"
"""A moment that has the right form is stored, and ends as REJECTED if its day does not exist."""

schema = schemathesis.openapi.from_path(OPENAPI_FILE)


@pytest.fixture(scope="module")
def accounts(environment: Environment) -> dict[str, str]:
    """An account for each field that names one."""
    api = HttpApi(url=environment.api_url, common_headers=environment.headers)
    return {field: api.open(balance=10**9, overdraft_limit=10**6) for field in ACCOUNT_FIELDS}


@schema.parametrize()
@hypothesis.settings(max_examples=40, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
def test_the_deployed_api_keeps_its_contract(
    case: Case[Any], environment: Environment, accounts: dict[str, str]
) -> None:
    for fields in (case.path_parameters, case.body):
        name_existing_accounts(fields, accounts)
    free_of_examples(case)
    response = case.call(base_url=environment.api_url, headers=environment.headers)
    not_checked = NOT_CHECKED.copy()
    if case.operation.definition.raw["operationId"] == ACCEPTS_WRONG_DATA:
        not_checked.append(negative_data_rejection)
    case.validate_response(response, excluded_checks=not_checked, additional_checks=[no_server_error])


def name_existing_accounts(fields: Any, accounts: dict[str, str]) -> None:
    """Put an account that exists where an account is named at all; wrong values stay."""
    if isinstance(fields, dict):
        for field, account_id in accounts.items():
            if isinstance(fields.get(field), str) and re.match(UUID_PATTERN, fields[field]):
                fields[field] = account_id


def free_of_examples(case: Case[Any]) -> None:
    """Replace the documented examples of headers, which most cases carry: each would end in the same 412 or 422."""
    if case.headers.get("If-Match") == example_of("IfMatch"):
        case.headers["If-Match"] = "*"
    if case.headers.get("Idempotency-Key") == example_of("IdempotencyKey"):
        case.headers["Idempotency-Key"] = new_key()


def example_of(parameter: str) -> Any:
    """The example of a parameter in the document."""
    return schema.raw_schema["components"]["parameters"][parameter]["example"]


def no_server_error(ctx: Any, response: Response, case: Case[Any]) -> None:
    """No 5xx but the one that the client asks for."""
    if response.status_code >= 500:
        assert response.json()["type"] == "urn:daybook:problem:version-not-reached"
        assert case.query["min_version"]
