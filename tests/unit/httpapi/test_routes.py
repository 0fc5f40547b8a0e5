"""The suite of the HTTP API, in process: the handler over the in-memory store."""

from __future__ import annotations

import pytest

from tests.unit.httpapi.suite.api import Api
from tests.unit.httpapi.suite.commands import (
    TestCloseAccount,
    TestCreditAndWithdraw,
    TestOccurredAt,
    TestOpenAccount,
    TestTransfer,
)
from tests.unit.httpapi.suite.hostile import TestBodies, TestHeaders, TestPathsAndMethods
from tests.unit.httpapi.suite.in_process import in_process_api
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


@pytest.fixture(params=["text", "base64"])
def api(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Bodies arrive as text, or in base64 when the gateway takes them for binary."""
    return in_process_api(monkeypatch, binary=request.param == "base64")
