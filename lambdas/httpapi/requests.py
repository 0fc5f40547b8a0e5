"""Reads a request from API Gateway's proxy event (payload format 1.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec

from lambdas.accounts.moments import InvalidMomentError, parse_moment
from lambdas.accounts.text import UUID_PATTERN
from lambdas.contracts.expectations import listed
from lambdas.httpapi import bodies
from lambdas.httpapi.conditional import EntityTags, parse_entity_tags
from lambdas.httpapi.errors import InvalidRequestError, UnknownCallerError
from lambdas.httpapi.idempotency_keys import HEADER as KEY_HEADER
from lambdas.httpapi.idempotency_keys import TOKEN, key_of
from lambdas.httpapi.routing import served
from lambdas.service.keys import CALLER_PATTERN
from lambdas.service.names import shown

ANONYMOUS = "anonymous"
"""The caller where the environment requires no authorization."""

UNKNOWN_REQUEST = "unknown"
"""The correlation id when neither the client nor the gateway gives a valid one."""

ACCOUNT_ID = "account_id"
NO_ACCOUNT_ID = "must be a UUID in lower case"

_TOKEN = re.compile(TOKEN)
_CALLER = re.compile(CALLER_PATTERN)
SPACE_FOR_PLUS = "has a space before its offset: in a URL a + is written %2B"
_NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]")
_POSITIVE = re.compile(r"[1-9][0-9]{0,15}")
_UUID = re.compile(UUID_PATTERN)

C = TypeVar("C", bound=msgspec.Struct)


class Request:
    """One request. Every method that reads a value raises InvalidRequestError, which names it.

    `route` is the path template of the API that serves it, None for a path that no template serves. `path` is the
    template filled in: the same wherever the API is mounted, unlike the path that the client sent.
    A route sets `settled` to False when the answer may still change, although it is about the past. `noted` is what
    the request's log line says besides how it was answered.
    """

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.method: str = event["httpMethod"]
        self.path_parameters = {name: unquote(value) for name, value in (event.get("pathParameters") or {}).items()}
        self.route, self.path = served(event["resource"], self.path_parameters, event["path"])
        self.settled = True
        self.noted: dict[str, Any] = {}
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

    @cached_property
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

    @property
    def idempotency_key(self) -> str | None:
        """The key that Idempotency-Key names: a token, or its hash."""
        value = self.header(KEY_HEADER)
        return None if value is None else key_of(value)

    def header(self, name: str) -> str | None:
        """A header that may be given once."""
        values = set(self._headers.get(name.lower(), ()))
        if len(values) > 1:
            raise InvalidRequestError(name, "must be given once")
        return values.pop() if values else None

    def entity_tags(self, name: str) -> EntityTags | None:
        """If-Match or If-None-Match, which may be given several times."""
        values = self._headers.get(name.lower())
        return None if values is None else parse_entity_tags(name, ", ".join(values))

    def refuse_if_match(self) -> None:
        """Refuse If-Match, on routes that act on two accounts or on a new one."""
        if "if-match" in self._headers:
            raise InvalidRequestError("If-Match", "must be left out: no version of one account is asked for here")

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
        bodies.check_media_type(self.header("Content-Type"), self.header("Content-Encoding"))
        return bodies.decode_body(content, kind)

    def query(self, *names: str) -> dict[str, str]:
        """The query parameters. Each must be among `names` and be given once."""
        parameters = self._event.get("multiValueQueryStringParameters") or {}
        for name, values in parameters.items():
            if name not in names:
                known = f"which has {listed(names, 'and')}" if names else "which has none"
                raise InvalidRequestError(shown(name), f"is not a query parameter of this path, {known}")
            if len(values) != 1:
                raise InvalidRequestError(name, "must be given once")
        return {name: values[0] for name, values in parameters.items()}


def positive_integer(name: str, text: str, *, maximum: int | None = None) -> int:
    """An integer from 1, in plain decimal digits. Raises InvalidRequestError."""
    if _POSITIVE.fullmatch(text) is None or (maximum is not None and int(text) > maximum):
        limit = "" if maximum is None else f" to {maximum}"
        raise InvalidRequestError(name, f"must be an integer from 1{limit}, in decimal digits")
    return int(text)


def moment(name: str, text: str) -> datetime:
    """A moment in UTC, whole milliseconds. Raises InvalidRequestError."""
    try:
        return parse_moment(text)
    except InvalidMomentError as error:
        reason = SPACE_FOR_PLUS if _has_space_for_plus(text) else str(error)
        raise InvalidRequestError(name, reason) from None


def _has_space_for_plus(text: str) -> bool:
    """Whether it would be a moment if the space before its offset were the + that a URL makes a space of."""
    before, _, offset = text.rpartition(" ")
    try:
        parse_moment(f"{before}+{offset}")
    except InvalidMomentError:
        return False
    return True


def _header_values(event: Mapping[str, Any]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, values in (event.get("multiValueHeaders") or {}).items():
        headers.setdefault(name.lower(), []).extend(values)
    return headers
