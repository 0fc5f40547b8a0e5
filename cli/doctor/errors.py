"""Why a check has no answer. Only `cli.doctor.examination` turns these into findings.

UnansweredError
├── DeniedError          the caller may not ask
├── UnknownRequestError  the service does not know the request, as an emulator may not
└── SilentError          nobody answered
NotThereError            the answer is that there is no such thing
"""

from __future__ import annotations


class UnansweredError(Exception):
    """A check got no answer. The message ends a sentence."""


class DeniedError(UnansweredError):
    """The caller may not ask. `action` is what IAM calls the request."""

    def __init__(self, action: str) -> None:
        super().__init__(f"the permission {action} is missing")
        self.action = action


class UnknownRequestError(UnansweredError):
    """The service does not know the request."""


class SilentError(UnansweredError):
    """Nobody answered, or the request could not be sent."""


class NotThereError(Exception):
    """There is no such thing, says the service."""
