"""The suite of the HTTP API against the deployed system: every route, every error, hostile input."""

from __future__ import annotations

import pytest

from local.environment import Environment
from tests.unit.httpapi.suite.api import Api
from tests.unit.httpapi.suite.commands import (
    TestCloseAccount,
    TestCreditAndWithdraw,
    TestOccurredAt,
    TestOpenAccount,
    TestTransfer,
)
from tests.unit.httpapi.suite.hostile import TestBodies, TestHeaders, TestPathsAndMethods
from tests.unit.httpapi.suite.over_http import HttpApi
from tests.unit.httpapi.suite.preconditions import TestIdempotencyKey, TestIfMatch
from tests.unit.httpapi.suite.reads import TestGetAccount, TestHistory, TestIfNoneMatch, account_id

__all__ = [
    "TestBodies",
    "TestCloseAccount",
    "TestCreditAndWithdraw",
    "TestGetAccount",
    "TestHeaders",
    "TestHistory",
    "TestIdempotencyKey",
    "TestIfMatch",
    "TestIfNoneMatch",
    "TestOccurredAt",
    "TestOpenAccount",
    "TestPathsAndMethods",
    "TestTransfer",
    "account_id",
]


@pytest.fixture
def api(environment: Environment) -> Api:
    """The API as a client reaches it."""
    return HttpApi(url=environment.api_url, common_headers=environment.headers)
