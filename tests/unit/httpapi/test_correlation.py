"""The correlation id of a request: always one to 64 characters of a token, whoever chose it."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.httpapi.requests import Request

HOSTILE = 'x"}, "a": {"S": "y'


def request(given: list[str] | None, **context: Any) -> Request:
    """A request with these X-Correlation-Id headers and this of its context."""
    headers = {} if given is None else {"x-correlation-ID": given}
    return Request(
        {"httpMethod": "GET", "resource": "/", "path": "/", "multiValueHeaders": headers, "requestContext": context}
    )


@pytest.mark.parametrize(
    ("given", "request_id", "extended", "correlation_id"),
    [
        (["c:1"], "r-1", "e=", "c:1"),
        (None, "r-1", "e=", "r-1"),
        ([HOSTILE], "r-1", "e=", "r-1"),
        (["a", "a"], "r-1", "e=", "r-1"),
        (None, "r" * 64, "e=", "r" * 64),
        (None, "r" * 65, "e+/1=", "e--1-"),
        (None, HOSTILE, "e+/1=", "e--1-"),
        (None, "", "e+/1=", "e--1-"),
        (None, None, "e+/1=", "e--1-"),
        (None, "r\n", "e" * 65, "unknown"),
        (None, HOSTILE, None, "unknown"),
    ],
)
def test_what_a_client_chose_is_taken_only_as_a_token(
    given: list[str] | None, request_id: str | None, extended: str | None, correlation_id: str
) -> None:
    """Clients may set requestId by the header x-amzn-RequestId."""
    assert request(given, requestId=request_id, extendedRequestId=extended).correlation_id == correlation_id


def test_the_extended_id_may_be_missing() -> None:
    assert request(None, requestId=HOSTILE).correlation_id == "unknown"
    assert request(None, requestId="r-1").correlation_id == "r-1"
