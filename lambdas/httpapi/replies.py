"""The reply of a route, and its text form in an idempotency receipt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

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


def json_reply(status: int, document: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply whose body is `document` (a struct) as JSON."""
    return Reply(status, _encode(document).decode(), {"Content-Type": JSON_MEDIA_TYPE, **(headers or {})})


def remember(reply: Reply) -> str:
    """The reply as text for a receipt."""
    return _encode(reply).decode()


def recall(text: str) -> Reply:
    """The reply that `remember` wrote, marked as replayed."""
    return _decoder.decode(text).replayed()
