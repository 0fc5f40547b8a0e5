"""A server on this machine that reads a request and then behaves badly, on plain TCP or on TLS."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.clocks import START

Behaviour = Callable[[socket.socket], None]
"""What is done with a connection once a whole request was read from it; it is closed afterwards."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing resets the connection."""


def hang_up(connection: socket.socket) -> None:
    """Close in an orderly way."""


def reset(connection: socket.socket) -> None:
    """Close with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def break_tls(connection: socket.socket) -> None:
    """Send a TLS record that was not made with the connection's keys."""
    os.write(connection.fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))


def answer(
    status: int, body: bytes, *, promised: int | None = None, headers: Mapping[str, str] | None = None
) -> Behaviour:
    """Answer with a body, of which the headers may promise more bytes than come.

    It says that the connection ends, else the client could send its next request on one that is just being closed.
    """
    told = {
        "Connection": "close",
        "Content-Length": str(len(body) if promised is None else promised),
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return say(f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + body)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One behaviour for each connection, and then the last for ever."""
    left = list(behaviours)

    def behave(connection: socket.socket) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(connection)

    return behave


def drip(head: bytes, *, pause: float, pieces: int) -> Behaviour:
    """Begin an answer and go on with a byte at a time, until the client has had enough."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(pieces):
            connection.sendall(b"x")
            time.sleep(pause)

    return behave


def say(data: bytes) -> Behaviour:
    """Send bytes."""
    return lambda connection: connection.sendall(data)


@contextmanager
def deaf(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port at which nothing answers, not even the kernel: its queue of connections is full. Gives the port."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextmanager
def serving(behaviour: Behaviour, certificate: Path | None = None) -> Iterator[str]:
    """Gives the URL. `certificate` holds one with its key; without, there is no TLS."""
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        stop = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, behaviour, tls, stop))
        thread.start()
        try:
            yield f"{'http' if tls is None else 'https'}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


def _serve(listener: socket.socket, behaviour: Behaviour, tls: ssl.SSLContext | None, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        with suppress(OSError):
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            _read_request(connection)
            behaviour(connection)
        connection.close()


def _read_request(connection: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _receive(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += _receive(connection)


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("the client hung up")
    return data


def write_certificate(path: Path) -> None:
    """A certificate of 127.0.0.1 signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(pem + certificate.public_bytes(Encoding.PEM))
