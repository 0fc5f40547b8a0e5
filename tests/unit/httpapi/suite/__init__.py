"""The suite of the HTTP API. Whoever runs it imports all of this and gives the fixture `api`.

`__all__` is the one list of what runs; `test_suite.py` checks that no test is missing from it.
"""

from tests.unit.httpapi.suite.commands import (
    TestCloseAccount,
    TestCreditAndWithdraw,
    TestOccurredAt,
    TestOpenAccount,
    TestTransfer,
)
from tests.unit.httpapi.suite.every_command import TestEveryCommand, TestEveryCommandToAClosedAccount
from tests.unit.httpapi.suite.hostile import TestBodies, TestHeaders, TestPathsAndMethods
from tests.unit.httpapi.suite.listings import TestAccountList, TestAccountsByIds, TestTotals
from tests.unit.httpapi.suite.preconditions import TestIdempotencyKey, TestIfMatch
from tests.unit.httpapi.suite.proofs import TestProof
from tests.unit.httpapi.suite.reads import TestGetAccount, TestHistory, TestIfNoneMatch, account_id
from tests.unit.httpapi.suite.rows import TestRows

__all__ = [
    "TestAccountList",
    "TestAccountsByIds",
    "TestBodies",
    "TestCloseAccount",
    "TestCreditAndWithdraw",
    "TestEveryCommand",
    "TestEveryCommandToAClosedAccount",
    "TestGetAccount",
    "TestHeaders",
    "TestHistory",
    "TestIdempotencyKey",
    "TestIfMatch",
    "TestIfNoneMatch",
    "TestOccurredAt",
    "TestOpenAccount",
    "TestPathsAndMethods",
    "TestProof",
    "TestRows",
    "TestTotals",
    "TestTransfer",
    "account_id",
]
