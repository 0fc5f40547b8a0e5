"""A low-level client that answers as it is told, call by call, and notes what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from tests.support.fake_dynamodb import client_error

Answer = Exception | Mapping[str, Any] | Callable[[], Any]
"""What a call raises or returns, or what is called in its place."""


class ToldClient:
    """Answers of the calls in order, of whatever operation; then those of the client behind it."""

    def __init__(self, *answers: Answer, client: Any = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._answers = list(answers)
        self._client = client

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            self.calls.append((operation, request))
            if not self._answers:
                return getattr(self._client, operation)(**request)
            answer = self._answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer() if callable(answer) else answer

        return call


def refused(code: str, status: int = 400) -> ClientError:
    """An error answer as botocore raises it."""
    return client_error(code, "Operation", status=status)
