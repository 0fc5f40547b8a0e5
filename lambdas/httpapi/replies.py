"""The reply of a route, and its text form in an idempotency receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from lambdas.contracts.http import Problem
from lambdas.contracts.problems import PROBLEM_MEDIA_TYPE

JSON_MEDIA_TYPE = "application/json"

_encode = msgspec.json.Encoder().encode


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """An HTTP response: `body` is text, `headers` are those that not every response has."""

    status: int
    body: str = ""
    headers: dict[str, str] = {}

    def replayed(self) -> Reply:
        """The same reply, marked `Idempotent-Replayed: true`."""
        return Reply(self.status, self.body, {**self.headers, "Idempotent-Replayed": "true"})


_decoder = msgspec.json.Decoder(Reply)
_problems = msgspec.json.Decoder(Problem)


def json_reply(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply whose body is `document` (a struct) as JSON."""
    return Reply(status, _encode(document).decode(), {"Content-Type": JSON_MEDIA_TYPE, **(headers or {})})


def remember(reply: Reply) -> str:
    """The reply as text for a receipt."""
    return _encode(reply).decode()


def recall(text: str, correlation_id: str) -> Reply:
    """The reply that `remember` wrote, marked as replayed. A problem names the correlation id of this request."""
    reply = _decoder.decode(text).replayed()
    if reply.headers.get("Content-Type") != PROBLEM_MEDIA_TYPE:
        return reply
    document = msgspec.structs.replace(_problems.decode(reply.body), correlation_id=correlation_id)
    return msgspec.structs.replace(reply, body=_encode(document).decode())
