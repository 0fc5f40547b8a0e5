"""How long one attempt can take, as a whole, over real sockets: whatever is slow, to connect and to be answered end."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, HTTPClientError, ReadTimeoutError

from cli.environments import ledger
from lambdas.composition.publishing import kinesis_client, s3_client
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.dynamodb_faults import Fault, classify
from lambdas.eventsourcing.errors import OutcomeUnknownError
from lambdas.eventsourcing.retry import ATTEMPT_SECONDS, PAUSE_SECONDS, Deadline
from lambdas.eventsourcing.rows import Commit
from lambdas.eventsourcing.transport import strict
from tests.support.backends import NO_WAITING
from tests.support.broken_server import answer, deaf, drip, serving
from tests.support.dynamodb_tables import REGION, Tables, store_on
from tests.support.event_rows import credited
from tests.support.stores import as_is

CONNECT, ANSWER = 0.3, 0.5
NOISE = 2.0
"""Other programs may take so long; what is measured would take longer still."""
PUT = b'{"ConsumedCapacity":{}}'
BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
HEADER = b"HTTP/1.1 200 OK\r\nX-Long: "
STATUS = b"HTTP/1.1 200 "
NAME = "dynamodb.test"


def client(url: str) -> Any:
    """As those that are deployed, with shorter times."""
    config = Config(connect_timeout=CONNECT, read_timeout=ANSWER, retries={"total_max_attempts": 1})
    session = boto3.Session("test", "test", region_name=REGION)
    return strict(session.client("dynamodb", endpoint_url=url, config=config, verify=False), bound=True)


def put(client: Any, size: int = 1) -> Any:
    """The answer to a put."""
    return client.put_item(TableName="t", Item={"a": {"S": "x" * size}}, ReturnConsumedCapacity="TOTAL")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What happens takes no longer, but for noise."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds + NOISE


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("head", [BODY, HEADER, STATUS], ids=["body", "header", "status"])
def test_a_dripping_answer(head: bytes, tls: bool, certificate: Path) -> None:
    with serving(drip(head, pause=0.1, pieces=100), certificate if tls else None) as url:
        sending = client(url)
        with within(CONNECT + ANSWER), pytest.raises(ReadTimeoutError) as raised:
            put(sending)
    assert classify(raised.value) is Fault.UNKNOWN


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_server_that_takes_the_request_a_little_at_a_time(tls: bool, certificate: Path) -> None:
    enough = threading.Event()
    with listening() as (port, sockets):

        def sip() -> None:
            connection, _ = sockets.accept()
            if tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                connection = context.wrap_socket(connection, server_side=True)
            with connection:
                while not enough.wait(0.005) and connection.recv(4096):
                    pass

        with running(sip, enough):
            sending = client(f"http{'s' if tls else ''}://127.0.0.1:{port}")
            with within(CONNECT + ANSWER), pytest.raises(HTTPClientError) as raised:
                put(sending, 20_000_000)
    assert classify(raised.value) is Fault.UNKNOWN


def test_eight_dead_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        port = stack.enter_context(deaf("127.0.0.1"))
        for last in range(2, 9):
            stack.enter_context(deaf(f"127.0.0.{last}", port))
        monkeypatch.setattr(socket, "getaddrinfo", addresses(*[f"127.0.0.{last}" for last in range(1, 9)] * 8))
        sending = client(f"http://{NAME}:{port}")
        with within(CONNECT), pytest.raises(ConnectTimeoutError) as raised:
            put(sending)
    assert classify(raised.value) is Fault.REFUSED


def test_a_dead_address_before_a_living_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them does not use up the attempt."""
    with serving(answer(200, PUT)) as url:
        port = int(url.rpartition(":")[2])
        with deaf("127.0.0.2", port):
            monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.2", "127.0.0.1"))
            assert put(client(f"http://{NAME}:{port}"))["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_slow_look_up_of_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what it finds in the end is not used: the attempt was reported as refused."""
    found, reported = socket.getaddrinfo, threading.Event()

    def slow(host: str, *rest: Any, **options: Any) -> Any:
        if host == NAME:
            assert reported.wait(10)
        return found("127.0.0.1", *rest, **options)

    with listening() as (port, sockets):
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        sending = client(f"http://{NAME}:{port}")
        with within(CONNECT), pytest.raises(ConnectTimeoutError) as raised:
            put(sending)
        assert classify(raised.value) is Fault.REFUSED
        reported.set()
        connection, _ = sockets.accept()
        connection.settimeout(10)
        with connection:
            assert connection.recv(1) == b"", "nothing is sent on it"


def test_a_handshake_that_does_not_come(certificate: Path) -> None:
    heard = threading.Event()
    with listening() as (port, sockets):

        def accept() -> None:
            connection, _ = sockets.accept()
            with connection:
                heard.wait(10)

        with running(accept, heard):
            sending = client(f"https://127.0.0.1:{port}")
            with within(CONNECT), pytest.raises(ConnectTimeoutError) as raised:
                put(sending)
    assert classify(raised.value) is Fault.REFUSED


def test_no_such_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(EndpointConnectionError):
        put(client(f"http://{NAME}:1"))


def test_each_request_on_a_kept_connection_has_its_own_time() -> None:
    """Four of them take longer than one may."""

    def behave(connection: socket.socket) -> None:
        for request in range(4):
            time.sleep(ANSWER / 2)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(PUT), PUT))
            if request < 3:
                connection.recv(65536)

    with serving(behave) as url:
        sending = client(url)
        for _ in range(4):
            put(sending)


DEPLOYED: dict[str, Callable[[], Any]] = {
    "store": dynamodb_client,
    "kinesis": kinesis_client,
    "parking": s3_client,
    "operators": lambda: ledger.open_store(ledger.Ledger("events", REGION, "http://127.0.0.1:1"))._client,  # type: ignore[attr-defined]
}


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("make", DEPLOYED.values(), ids=DEPLOYED)
def test_every_client_whose_attempts_are_counted_on_is_bounded(make: Callable[[], Any]) -> None:
    made = make()
    assert made.meta.config.connect_timeout + made.meta.config.read_timeout <= ATTEMPT_SECONDS
    pools = made._endpoint.http_session._session._manager.pool_classes_by_scheme
    for pool in pools.values():
        kind = pool.ConnectionCls
        assert kind.connect_seconds + kind.answer_seconds <= ATTEMPT_SECONDS


@pytest.mark.usefixtures("credentials")
def test_a_commit_ends_by_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the client that is deployed."""
    seconds = ATTEMPT_SECONDS + PAUSE_SECONDS + 0.1
    with serving(drip(HEADER, pause=0.5, pieces=40)) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        store = store_on(dynamodb_client(), Tables("events", "commands"), backoff=NO_WAITING)
        commit = Commit("c", (credited(1),))
        with within(ATTEMPT_SECONDS), pytest.raises(OutcomeUnknownError):
            store.commit(as_is(commit), deadline=Deadline(seconds))


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of nobody."""
    for name, value in {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": REGION}.items():
        monkeypatch.setenv(name, value)


def addresses(*found: str) -> Callable[..., Any]:
    """A look-up that finds these."""

    def look_up(host: str, port: int, *_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (each, port)) for each in found]

    return look_up


@contextmanager
def listening() -> Iterator[tuple[int, socket.socket]]:
    """A port, and the socket that listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        yield listener.getsockname()[1], listener


@contextmanager
def running(work: Callable[[], None], enough: threading.Event) -> Iterator[None]:
    """Work in a thread, until it is enough."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()
