"""What every client of AWS needs that botocore has no switch for: answers that are answers, and attempts that end.

botocore takes any 200 for success (HTML of a middlebox, an empty body), and its two time-outs start anew for each
address and for each piece of an answer. Both are mended below botocore, in the session by which a client sends
(ADR 14 names what is relied on). What is raised here reaches botocore as a broken connection does: a client that
retries by itself retries it, and the store takes it for an unknown outcome.
"""

from __future__ import annotations

import socket
import ssl
import time
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from threading import Thread
from typing import Any, Final, TypeAlias

import msgspec
from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.exceptions import HTTPClientError
from urllib3.exceptions import ConnectTimeoutError

ADDRESSES: Final = 3
"""An address may take this part of the time to connect, so that one dead address does not use up an attempt."""

_MUST_HOLD: Final[Mapping[str, str]] = {
    "PutRecords": "Records",
    "ListShards": "Shards",
    "GetShardIterator": "ShardIterator",
    "GetRecords": "Records",
    "StartQueryExecution": "QueryExecutionId",
    "GetQueryExecution": "QueryExecution",
    "GetQueryResults": "ResultSet",
    "GetPublicKey": "PublicKey",
    "Sign": "Signature",
}
"""What a successful answer holds, by operation. One of DynamoDB holds the capacity that was asked for."""

_CAPACITY: Final = "ConsumedCapacity"
_Json: TypeAlias = dict[str, msgspec.Raw]
_json = msgspec.json.Decoder(_Json)


class NoAnswerError(HTTPClientError):  # type: ignore[misc]
    """What came back is not an answer of the service: whether the request took effect is unknown."""

    fmt = "What came back is no answer of the service: {error}"


def acknowledged(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """DynamoDB's answer to a request that asked for its capacity. Raises NoAnswerError if it does not say it."""
    if _CAPACITY not in answer:
        raise NoAnswerError(error=f"no {_CAPACITY}")
    return answer


def strict(client: Any, *, bound: bool = False) -> Any:
    """The client, from now on with answers that count only if they are ones. To be called before its first request.

    With `bound`, `connect_timeout` and `read_timeout` bound the whole: the first covers looking the name up, all
    addresses and TLS, the second sending the request and the whole answer. Not for streamed answers, which are read
    after the call.
    """
    endpoint = client._endpoint  # noqa: SLF001
    if bound:
        _bound(endpoint.http_session, client.meta.config)
    endpoint.http_session = _StrictSession(endpoint.http_session)
    return client


def _bound(session: Any, config: Any) -> None:
    seconds = {"connect_seconds": float(config.connect_timeout), "answer_seconds": float(config.read_timeout)}
    session._pool_classes_by_scheme.update(  # noqa: SLF001
        http=_pool(AWSHTTPConnectionPool, AWSHTTPConnection, seconds),
        https=_pool(AWSHTTPSConnectionPool, AWSHTTPSConnection, seconds),
    )


def _pool(pool: type, connection: type, seconds: Mapping[str, float]) -> type:
    bounded_connection = type(f"Bounded{connection.__name__}", (_BoundedConnection, connection), dict(seconds))
    return type(f"Bounded{pool.__name__}", (pool,), {"ConnectionCls": bounded_connection})


class _StrictSession:
    """Sends by another session. Requests of other protocols pass."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.close: Callable[[], None] = session.close

    def send(self, request: Any) -> Any:
        """Raises NoAnswerError, and what the session raises."""
        response = self._session.send(request)
        target = request.headers.get("X-Amz-Target")
        if target is not None:
            _check(target, request.body, response)
        return response


def _check(target: bytes | str, asked: bytes, response: Any) -> None:
    """DynamoDB's checksum is over the body as it was sent (AWS SDK for Go v2, dynamodb/internal/customizations)."""
    body: bytes = response.content
    checksum = response.headers.get("x-amz-crc32")
    if checksum is not None and checksum != str(zlib.crc32(body)):
        raise NoAnswerError(error="its checksum is not that of its body")
    try:
        members = _json.decode(body.decode())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NoAnswerError(error=f"status {response.status_code}, and not a JSON object") from None
    wanted = _wanted(target, asked) if response.status_code == 200 else "__type"
    if wanted is not None and wanted not in members:
        raise NoAnswerError(error=f"status {response.status_code}, and no {wanted}")


def _wanted(target: bytes | str, asked: bytes) -> str | None:
    if b'"ReturnConsumedCapacity"' in asked:
        return _CAPACITY
    name = target.decode() if isinstance(target, bytes) else target
    return _MUST_HOLD.get(name.rpartition(".")[2])


class _BoundedConnection:
    """Mixed into botocore's connections: to connect, and to send and be answered, each end in a time as a whole."""

    connect_seconds: float
    answer_seconds: float
    timeout: Any
    sock: Any
    ssl_context: ssl.SSLContext | None = None
    close: Callable[[], None]
    _abandoned = False

    def connect(self) -> None:
        """In a thread, since nothing else ends a look-up of a name. Raises urllib3's ConnectTimeoutError."""
        self.timeout = self.connect_seconds / ADDRESSES
        if self.ssl_context is not None:
            self.ssl_context.sslsocket_class = _BoundedTLSSocket
        done: Future[None] = Future()
        Thread(target=self._connect, args=(super().connect, done), daemon=True).start()  # type: ignore[misc]
        try:
            done.result(self.connect_seconds)
        except TimeoutError:
            self._abandoned = True
            raise ConnectTimeoutError(self, f"no connection in {self.connect_seconds:g} s") from None
        if isinstance(self.sock, socket.socket) and not isinstance(self.sock, ssl.SSLSocket):
            plain = self.sock
            self.sock = _BoundedSocket(plain.family, plain.type, plain.proto, fileno=plain.detach())

    def _connect(self, connect: Callable[[], None], done: Future[None]) -> None:
        try:
            connect()
        except BaseException as error:  # noqa: BLE001
            done.set_exception(error)
        else:
            done.set_result(None)
        if self._abandoned:
            self.close()

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request. From here on the answer's time runs."""
        if self.sock is None:
            self.connect()
        self.sock.end = time.monotonic() + self.answer_seconds
        super().request(*args, **kwargs)  # type: ignore[misc]


class _Bounded:
    """Mixed into sockets: each operation may take what is left until `end`, a reading of the monotonic clock."""

    end: float = float("inf")

    def _hurry(self) -> None:
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out as a whole")
        if left != float("inf"):
            self.settimeout(left)  # type: ignore[attr-defined]

    def sendall(self, *args: Any) -> None:  # its time-out is that of all it sends, on TLS too
        self._hurry()
        super().sendall(*args)  # type: ignore[misc]

    def recv_into(self, *args: Any) -> int:
        self._hurry()
        return super().recv_into(*args)  # type: ignore[misc,no-any-return]


class _BoundedSocket(_Bounded, socket.socket):
    pass


class _BoundedTLSSocket(_Bounded, ssl.SSLSocket):
    pass
