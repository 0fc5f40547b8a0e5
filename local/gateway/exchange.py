"""HTTP through a proxy: bodies are read whole, and messages are sent on without the headers of one connection."""

from __future__ import annotations

import http.client
from collections.abc import Iterable
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Protocol

Headers = list[tuple[str, str]]

_OF_ONE_CONNECTION = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
_OF_THE_REQUEST = _OF_ONE_CONNECTION | {"host", "content-length", "expect"}
_TIMEOUT_SECONDS = 120.0


class _Named(Protocol):
    def get(self, name: str) -> str | None: ...


@dataclass(frozen=True, kw_only=True)
class Response:
    """A response as received, but its body is not chunked."""

    status: int
    reason: str
    headers: Headers
    body: bytes


def read_body(headers: _Named, stream: BufferedIOBase) -> bytes:
    """A request's body, also a chunked one. Raises ValueError for invalid lengths."""
    if "chunked" not in (headers.get("Transfer-Encoding") or "").lower():
        length = int(headers.get("Content-Length") or 0)
        if length < 0:
            raise ValueError("a negative Content-Length")
        return stream.read(length)
    chunks = []
    while size := int(stream.readline().partition(b";")[0], 16):
        chunks.append(stream.read(size))
        stream.readline()
    while stream.readline().strip():
        continue
    return b"".join(chunks)


def forward(host: str, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Response:
    """Send a request on to `host` (name:port). Raises OSError, http.client.HTTPException."""
    connection = http.client.HTTPConnection(host, timeout=_TIMEOUT_SECONDS)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in _OF_THE_REQUEST:
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OF_ONE_CONNECTION]
        return Response(status=answer.status, reason=answer.reason, headers=kept, body=content)
    finally:
        connection.close()
