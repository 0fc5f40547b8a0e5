"""The way from a bank's network to the API: by the proxy that botocore takes, too, and with its certificates."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from botocore.credentials import Credentials

from lambdas.smoke.account import USED
from lambdas.smoke.api import Api
from lambdas.smoke.steps import StepFailedError

HOST = "localhost:1"
GET = next(each for each in USED if each.operation_id == "getAccount")


@pytest.fixture
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a proxy that refuses every request, and what it was asked."""
    asked: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            try:
                connection, _ = server.accept()
            except OSError:  # closed: nobody came
                return
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")

        worker = threading.Thread(target=serve, daemon=True)
        worker.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)
        worker.join(timeout=5)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "no_proxy", "all_proxy", "aws_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def called() -> StepFailedError:
    """Why a request to the API failed."""
    api = Api(f"https://{HOST}/v1", credentials=Credentials("a", "b"), region="eu-central-1", correlation_id="smoke-1")
    with pytest.raises(StepFailedError) as caught:
        api.call(GET, path={"account_id": "a"})
    return caught.value


@pytest.mark.parametrize("user", ["", "me:p%40ss@"])
def test_a_request_goes_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch, proxy: tuple[str, list[bytes]], user: str
) -> None:
    address, asked = proxy
    monkeypatch.setenv("HTTPS_PROXY", f"http://{user}{address}")
    assert "502" in called().why
    [request] = asked
    assert request.startswith(f"CONNECT {HOST} ".encode())
    named = b"Proxy-Authorization: Basic " + base64.b64encode(b"me:p@ss")
    assert (named in request) == bool(user)


def test_a_host_that_needs_no_proxy_is_asked_itself(
    monkeypatch: pytest.MonkeyPatch, proxy: tuple[str, list[bytes]]
) -> None:
    address, asked = proxy
    monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
    monkeypatch.setenv("NO_PROXY", "example.com,localhost")
    called()
    assert asked == []


def test_certificates_are_those_of_the_bundle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "none.pem"))
    failed = called()
    assert failed.why.startswith("FileNotFoundError")
    assert "AWS_CA_BUNDLE" in failed.look_at
