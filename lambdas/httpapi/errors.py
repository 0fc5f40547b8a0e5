"""Errors in an HTTP request, found before its command is decided.

RequestError
├── InvalidRequestError        malformed, or a value is not acceptable
├── PathNotFoundError
├── MethodNotAllowedError
├── UnknownCallerError         the caller's id is not that of a principal
├── PayloadTooLargeError
├── UnsupportedMediaTypeError
├── VersionNotReachedError     read-your-writes: the account is not at `min_version` yet
└── WritesOffError             the environment takes no commands for the time being
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class RequestError(Exception):
    """Base of the errors in this module. The message may be shown to the caller.

    `retry_after`, in seconds, replaces that of the problem's type.
    """

    retry_after: ClassVar[int | None] = None


class InvalidRequestError(RequestError):
    """`field` names the first invalid value: a body field, a header, a query or path parameter, or `body` itself."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class PathNotFoundError(RequestError):
    """Nothing is served at the path."""


class MethodNotAllowedError(RequestError):
    """The path exists; `allowed` are its methods."""

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(f"the path supports {', '.join(allowed)}")
        self.allowed = tuple(allowed)


class UnknownCallerError(RequestError):
    """The caller's id does not have the form of a principal's."""


class PayloadTooLargeError(RequestError):
    """The body is larger than accepted."""


class UnsupportedMediaTypeError(RequestError):
    """The Content-Type is not JSON in UTF-8."""


class VersionNotReachedError(RequestError):
    """The account's newest version is below the requested `min_version`."""


class WritesOffError(RequestError):
    """The environment takes no commands, as while its tables are restored. That takes longer than a lost race."""

    retry_after = 60

    def __init__(self) -> None:
        super().__init__("no commands are taken while the ledger is restored; reading goes on")
