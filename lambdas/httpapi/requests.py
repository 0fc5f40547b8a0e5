"""Reads a request from API Gateway's proxy event (payload format 1.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from lambdas.accounts.moments import InvalidMomentError, parse_moment
from lambdas.accounts.text import UUID_PATTERN
from lambdas.httpapi import bodies
from lambdas.httpapi.conditional import EntityTags, parse_entity_tags
from lambdas.httpapi.errors import InvalidRequestError, UnknownCallerError
from lambdas.service.keys import CALLER_PATTERN

ANONYMOUS = "anonymous"
"""The caller where the environment requires no authorization."""

UNKNOWN_REQUEST = "unknown"
"""The correlation id when neither the client nor the gateway gives a valid one."""

ACCOUNT_ID = "account_id"
NO_ACCOUNT_ID = "is not a UUID in lower case"

_TOKEN = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_CALLER = re.compile(CALLER_PATTERN)
_NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]")
_POSITIVE = re.compile(r"[1-9][0-9]{0,15}")
_UUID = re.compile(UUID_PATTERN)

C = TypeVar("C", bound=msgspec.Struct)


class Request:
    """One request. Every method that reads a value raises InvalidRequestError, which names it."""

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.method: str = event["httpMethod"]
        self.path: str = event["path"]
        self.template: str = ""
        self.path_parameters: Mapping[str, str] = {}
        self._event = event
        self._headers = _header_values(event)

    @property
    def caller(self) -> str:
        """The principal's id as IAM gives it, without the session: stable, and no personal data.

        Raises UnknownCallerError for one that no principal has.
        """
        given = self._event["requestContext"].get("identity", {}).get("caller")
        caller = str(given).partition(":")[0] if given else ANONYMOUS
        if _CALLER.fullmatch(caller) is None:
            raise UnknownCallerError("the caller is no principal that this service knows")
        return caller

    @property
    def correlation_id(self) -> str:
        """X-Correlation-Id if it is valid, else the gateway's request id, else the gateway's extended request id.

        A client can set the request id to any text (header x-amzn-RequestId), so it may be invalid; a client cannot
        set the extended id. Source: API Gateway Developer Guide, "Variables for access logging".
        """
        values = self._headers.get("x-correlation-id", ())
        context = self._event["requestContext"]
        extended = _NOT_ALPHANUMERIC.sub("-", context.get("extendedRequestId") or "")
        candidates = (*(values if len(values) == 1 else ()), context.get("requestId") or "", extended)
        return next((each for each in candidates if _TOKEN.fullmatch(each)), UNKNOWN_REQUEST)

    def check_correlation_id(self) -> None:
        """Refuse an X-Correlation-Id that cannot be used."""
        self._token("X-Correlation-Id")

    @property
    def idempotency_key(self) -> str | None:
        """Idempotency-Key."""
        return self._token("Idempotency-Key")

    def header(self, name: str) -> str | None:
        """A header that may be given once."""
        values = set(self._headers.get(name.lower(), ()))
        if len(values) > 1:
            raise InvalidRequestError(name, "is given more than once")
        return values.pop() if values else None

    def entity_tags(self, name: str) -> EntityTags | None:
        """If-Match or If-None-Match, which may be given several times."""
        values = self._headers.get(name.lower())
        return None if values is None else parse_entity_tags(name, ", ".join(values))

    def refuse_if_match(self) -> None:
        """Refuse If-Match, on routes that act on two accounts or on a new one."""
        if "if-match" in self._headers:
            raise InvalidRequestError("If-Match", "is not supported here")

    def canonical_path(self) -> str:
        """The path as the contract has it: the route's template with its parameters, decoded.

        A base path of a custom domain, which stands in `path`, and percent-encoding make no other request.
        """
        return self.template.format_map(self.path_parameters)

    def account_id(self) -> str:
        """The account in the path."""
        account_id = self.path_parameters[ACCOUNT_ID]
        if _UUID.match(account_id) is None:
            raise InvalidRequestError(ACCOUNT_ID, NO_ACCOUNT_ID)
        return account_id

    def command(self, kind: type[C], *, may_be_empty: bool = False) -> C:
        """The body. Raises PayloadTooLargeError, UnsupportedMediaTypeError as well."""
        self.query()
        content = bodies.read_body(self._event)
        if not content and may_be_empty:
            return kind()
        bodies.check_media_type(self.header("Content-Type"))
        return bodies.decode_body(content, kind)

    def query(self, *names: str) -> dict[str, str]:
        """The query parameters. Each must be among `names` and be given once."""
        parameters = self._event.get("multiValueQueryStringParameters") or {}
        for name, values in parameters.items():
            if name not in names:
                raise InvalidRequestError(name[:64], "is not a query parameter of this path")
            if len(values) != 1:
                raise InvalidRequestError(name, "is given more than once")
        return {name: values[0] for name, values in parameters.items()}

    def _token(self, name: str) -> str | None:
        value = self.header(name)
        if value is not None and _TOKEN.fullmatch(value) is None:
            raise InvalidRequestError(name, "is not 1 to 64 characters of A-Z a-z 0-9 . _ : -")
        return value


def positive_integer(name: str, text: str, *, maximum: int | None = None) -> int:
    """An integer from 1, in plain decimal digits. Raises InvalidRequestError."""
    if _POSITIVE.fullmatch(text) is None or (maximum is not None and int(text) > maximum):
        limit = "" if maximum is None else f" up to {maximum}"
        raise InvalidRequestError(name, f"is not a positive integer{limit}")
    return int(text)


def moment(name: str, text: str) -> datetime:
    """A moment in UTC, whole milliseconds. Raises InvalidRequestError."""
    try:
        return parse_moment(text)
    except InvalidMomentError as error:
        raise InvalidRequestError(name, str(error)) from None


def _header_values(event: Mapping[str, Any]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, values in (event.get("multiValueHeaders") or {}).items():
        headers.setdefault(name.lower(), []).extend(values)
    return headers
