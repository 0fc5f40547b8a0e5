"""Classifies a failed DynamoDB call: certainly refused, in doubt, a failed condition, or a wrong call.

Sources: Amazon DynamoDB Developer Guide, "Error handling with DynamoDB"; API reference of PutItem, UpdateItem and
TransactWriteItems (cancellation reasons); botocore's exception classes for requests that never reached the service.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    SSLError,
)
from botocore.parsers import ResponseParserError

Failure: TypeAlias = ClientError | BotoCoreError | ResponseParserError
FAILURES = (ClientError, BotoCoreError, ResponseParserError)
"""What a call may raise. The error for an answer that cannot be parsed is not a BotoCoreError."""


class Fault(enum.Enum):
    """The meaning of one failed attempt."""

    CONDITION = "a condition of the write does not hold"
    REFUSED = "nothing was written; the same call may succeed later"
    UNKNOWN = "the call may have taken effect"
    FATAL = "the call is wrong and will not succeed"


_REFUSED_CODES = {
    "ProvisionedThroughputExceededException",
    "ProvisionedThroughputExceeded",
    "ThrottlingException",
    "ThrottlingError",
    "Throttling",
    "RequestLimitExceeded",
    "TransactionConflictException",
    "TransactionConflict",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ThrottledException",
}
_INVALID_CODES = {"ValidationException", "ValidationError", "ItemCollectionSizeLimitExceeded"}
_UNSENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
# TLS can also break while the answer is read: an SSLError does not say that nothing was sent.
_IN_DOUBT = (HTTPClientError, ResponseParserError, SSLError)
_SERVER_ERROR = 500


def classify(error: Failure) -> Fault:
    """The meaning of a failed call, read or write."""
    if isinstance(error, ClientError):
        return _classify_answer(error)
    if isinstance(error, _UNSENT):
        return Fault.REFUSED
    return Fault.UNKNOWN if isinstance(error, _IN_DOUBT) else Fault.FATAL


def _classify_answer(error: ClientError) -> Fault:
    response: Mapping[str, Any] = error.response
    code = response.get("Error", {}).get("Code", "")
    if code == "ConditionalCheckFailedException":
        return Fault.CONDITION
    if code == "TransactionCanceledException":
        return _classify_cancellation([reason.get("Code") or "None" for reason in cancellation_reasons(error)])
    if code in _REFUSED_CODES:
        return Fault.REFUSED
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return Fault.UNKNOWN if status >= _SERVER_ERROR else Fault.FATAL


def _classify_cancellation(codes: Sequence[str]) -> Fault:
    if "ConditionalCheckFailed" in codes:
        return Fault.CONDITION
    if any(code != "None" and code not in _REFUSED_CODES for code in codes):
        return Fault.FATAL
    return Fault.REFUSED


def code_of(error: Failure) -> str:
    """The code of an error answer; else the error's class."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__


def is_validation(error: Failure) -> bool:
    """Whether DynamoDB refused what stands in the call, as opposed to who called, when, or on what."""
    if not isinstance(error, ClientError):
        return False
    codes = {reason.get("Code") for reason in cancellation_reasons(error)}
    return error.response.get("Error", {}).get("Code") in _INVALID_CODES or not _INVALID_CODES.isdisjoint(codes)


def cancellation_reasons(error: ClientError) -> Sequence[Mapping[str, Any]]:
    """A reason for each action of the cancelled transaction, in its order."""
    response: Mapping[str, Any] = error.response
    return response.get("CancellationReasons") or []


def failed_items(error: ClientError) -> list[tuple[int, Mapping[str, Any] | None]]:
    """The index of each action whose condition failed, and the item that exists there (None if not returned)."""
    if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
        response: Mapping[str, Any] = error.response
        return [(0, response.get("Item"))]
    return [
        (index, reason.get("Item"))
        for index, reason in enumerate(cancellation_reasons(error))
        if reason.get("Code") == "ConditionalCheckFailed"
    ]
