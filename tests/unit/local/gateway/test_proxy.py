"""The proxy between a client of the API and the emulator, over HTTP: what it carries out and what it passes through."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import msgspec
import pytest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from lambdas.accounts.commands import CreditAccount
from lambdas.httpapi.bodies import ONE_MEDIA_TYPE
from local.gateway.deployed import DeployedApis
from local.gateway.dynamodb import DynamoDB
from local.gateway.proxy import Proxy
from tests.support.command_gateway import ACCOUNT, TABLE, Rows, send_to_moto
from tests.support.gateway_emulator import API_ID, STAGE, SUBMIT, ControlPlane, Emulator

CREDIT = msgspec.json.encode(CreditAccount(amount=5))
JSON = {"Content-Type": "application/json"}


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Border:
    """A running proxy before a running emulator."""

    def __init__(self, emulator: Emulator, proxy: Proxy, control: ControlPlane, rows: Rows) -> None:
        self.emulator = emulator
        self.proxy = proxy
        self.control = control
        self.rows = rows

    def url(self, path: str) -> str:
        return f"/restapis/{API_ID}/{STAGE}/_user_request_{path}"

    def ask(self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.server_port, timeout=10)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def submit(self, body: bytes = CREDIT, headers: dict[str, str] | None = None, account_id: str = ACCOUNT) -> Reply:
        return self.ask("POST", self.url(f"/accounts/{account_id}/commands"), body, {**JSON, **(headers or {})})


@pytest.fixture(scope="module")
def rows() -> Iterator[Rows]:
    with mock_aws():
        yield Rows()


@pytest.fixture
def border(rows: Rows) -> Iterator[Border]:
    emulator = Emulator()
    emulator.dynamodb = lambda action, body: send_to_moto(_named(action), body)
    control = ControlPlane(TABLE)
    proxy = Proxy(
        ("127.0.0.1", 0),
        emulator=emulator.url,
        instance="this-one",
        apis=DeployedApis(control),
        send=DynamoDB(emulator.url, Credentials("local", "local")),
    )
    servers = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in (emulator, proxy)]
    for thread in servers:
        thread.start()
    yield Border(emulator, proxy, control, rows)
    for server in (proxy, emulator):
        server.shutdown()
        server.server_close()
    for thread in servers:
        thread.join()
    rows.clear()


def _named(action: str) -> Any:
    class Action:
        region = "eu-central-1"

    Action.action = action  # type: ignore[attr-defined]
    return Action


def test_a_command_is_stored_by_one_call_and_no_function(border: Border) -> None:
    reply = border.submit(headers={"idempotency-key": "k-1", "X-Correlation-Id": "c-1"})

    assert reply.status == 202
    assert reply.document == {"command_id": "k-1", "account_id": ACCOUNT, "status": "PENDING"}
    assert reply.headers["Location"] == "commands/k-1"
    assert reply.headers["Retry-After"] == "1"
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers.get_all("Content-Type") == ["application/json"]
    assert reply.headers["X-Correlation-Id"] == "c-1"
    assert border.rows.all()[0]["body"] == {"B": CREDIT}
    (sent,) = border.emulator.sent
    assert (sent.method, sent.target) == ("POST", "/")
    assert ("X-Amz-Target", "DynamoDB_20120810.UpdateItem") in sent.headers
    assert "/eu-central-1/dynamodb/aws4_request" in dict(sent.headers)["Authorization"]


@pytest.mark.parametrize(
    "chosen", ["mine-1", 'x"}, ":pending": {"S": "SUCCEEDED"}, ":correlation_id": {"S": "y', "#set($status = 1)"]
)
def test_a_client_may_choose_the_requests_id_and_nothing_else_with_it(border: Border, chosen: str) -> None:
    reply = border.submit(headers={"X-AMZN-RequestId": chosen})

    assert (reply.status, reply.headers["x-amzn-RequestId"]) == (202, chosen)
    (row,) = border.rows.all()
    assert row["status"] == {"S": "PENDING"}
    assert row["correlation_id"] == {"S": reply.headers["X-Correlation-Id"]}
    assert (reply.headers["X-Correlation-Id"] == chosen) == (chosen == "mine-1")


@pytest.mark.parametrize("chosen", ["", "a" * 129, "é", "a\tb"])
def test_what_cannot_be_an_id_is_none(border: Border, chosen: str) -> None:
    reply = border.submit(headers={"x-amzn-requestid": chosen})

    assert (reply.status, len(reply.headers["x-amzn-RequestId"])) == (202, 36)


def test_its_location_answers(border: Border) -> None:
    location = border.submit().headers["Location"]

    reply = border.ask("GET", border.url(f"/accounts/{ACCOUNT}/{location}"))

    assert (reply.status, reply.document["status"], reply.headers["Retry-After"]) == (200, "PENDING", "1")
    assert reply.document["command_id"] == location.removeprefix("commands/")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/accounts/{ACCOUNT}/commands/receipt%23k", 404),
        (f"/accounts/{ACCOUNT}/commands/k%0A", 404),
        (f"/accounts/{ACCOUNT}/commands/receipt%2523k", 404),
        (f"/accounts/{ACCOUNT}/commands/%ff", 404),
        (f"/accounts/{ACCOUNT}/commands/%25zz", 404),
        (f"/accounts/{ACCOUNT}/commands/%25", 404),
        (f"/accounts/{ACCOUNT}//commands/k", 200),
        (f"/accounts/{ACCOUNT}/commands/%6b", 200),
        (f"/accounts/{ACCOUNT}/commands/k/", 404),
        (f"/accounts/{ACCOUNT}/commands/k?command_id=x", 200),
    ],
)
def test_path_parameters_are_decoded(border: Border, path: str, status: int) -> None:
    border.submit(headers={"Idempotency-Key": "k"})

    assert border.ask("GET", border.url(path)).status == status


def test_a_query_parameter_does_not_shadow_a_header(border: Border) -> None:
    target = border.url(f"/accounts/{ACCOUNT}/commands?Idempotency-Key=query&idempotency-key=query")

    reply = border.ask("POST", target, CREDIT, {**JSON, "Idempotency-Key": "header"})

    assert reply.document["command_id"] == "header"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"no", {}, 400, "malformed-request"),
        (b"", {}, 400, "malformed-request"),
        (b'{"type": "CloseAccount", "more": 1}', {}, 400, "malformed-request"),
        (b'{"type": "Other"}', {}, 400, "invalid-request"),
        (b'{"type": "CreditAccount"}', {}, 400, "invalid-request"),
        (CREDIT, {"Content-Type": "text/plain"}, 415, "unsupported-media-type"),
        (CREDIT, {"Idempotency-Key": "a b"}, 400, "invalid-request"),
        (b'{"type": "CloseAccount"}'.ljust(70_000), {}, 413, "payload-too-large"),
        (CREDIT, {"Content-Type": "application/json; charset=latin-1"}, 415, "unsupported-media-type"),
    ],
)
def test_what_is_refused_is_told_in_the_api_s_words(
    border: Border, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    reply = border.submit(body, headers)

    assert reply.status == status
    assert reply.document["type"] == f"urn:daybook:problem:{code}"
    assert reply.document["status"] == status
    assert reply.headers.get_all("Content-Type") == ["application/problem+json"]
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Correlation-Id"] == reply.headers["x-amzn-RequestId"]
    assert border.rows.all() == []


def test_what_the_model_refuses_is_told_with_what_would_be_right(border: Border) -> None:
    document = border.submit(b'{"type": "CloseAccount", "secret": "of somebody"}').document

    assert document["field"] == "body"
    assert document["detail"] == (
        "body: must be a JSON object in UTF-8, not compressed, without an empty text and with no field but "
        "type, occurred_at, currency, overdraft_limit, amount, reference, from_account_id and to_account_id"
    )


def test_what_would_be_right_stands_in_place_of_the_gateway_s_own_words(border: Border) -> None:
    assert border.submit(headers={"Content-Type": "text/plain"}).document["detail"] == ONE_MEDIA_TYPE


def test_a_slash_at_the_end_is_another_path(border: Border) -> None:
    reply = border.ask("POST", border.url(f"/accounts/{ACCOUNT}/commands/"), CREDIT, JSON)

    assert (reply.status, reply.document["type"]) == (404, "urn:daybook:problem:not-found")
    assert border.rows.all() == []


def test_a_store_that_breaks_the_connection_is_an_unknown_outcome(border: Border) -> None:
    def gone(*_: object) -> tuple[int, bytes]:
        raise ConnectionResetError

    border.emulator.dynamodb = gone

    reply = border.submit()

    assert (reply.status, reply.document["type"]) == (503, "urn:daybook:problem:outcome-unknown")
    assert reply.headers["Retry-After"] == "1"


def test_a_store_that_does_not_answer_in_time_is_an_unknown_outcome(border: Border) -> None:
    border.control.resources[SUBMIT]["POST"]["methodIntegration"]["timeoutInMillis"] = 50
    released = threading.Event()

    def slow(*_: object) -> tuple[int, bytes]:
        released.wait(10)
        return 200, b"{}"

    border.emulator.dynamodb = slow

    reply = border.submit()
    released.set()

    assert (reply.status, reply.document["type"]) == (503, "urn:daybook:problem:outcome-unknown")


@pytest.mark.parametrize(
    ("status", "content", "answered"),
    [
        (200, b"<html>", 500),
        (400, b"", 503),
        (500, b"<html>", 503),
        (400, b"{}", 503),
        (200, b"{}", 503),
        (302, b"", 503),
    ],
)
def test_no_strange_answer_of_the_store_becomes_a_success(
    border: Border, status: int, content: bytes, answered: int
) -> None:
    border.emulator.dynamodb = lambda *_: (status, content)

    reply = border.submit()

    assert reply.status == answered
    assert reply.headers["Content-Type"] == "application/problem+json"


def test_what_nobody_expects_is_an_answer_too(border: Border) -> None:
    def broken(*_: object) -> tuple[int, bytes]:
        raise ZeroDivisionError

    border.proxy.send = broken

    assert border.submit().status == 503


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"])
def test_everything_else_is_passed_through_as_it_came(border: Border, method: str) -> None:
    border.emulator.answer = (418, [("X-Twice", "1"), ("X-Twice", "2"), ("Content-Type", "a/b")], b"\xff\x00")
    target = border.url("/accounts/%2F?x=%20&x=+")

    reply = border.ask(method, target, b"\x00{", {"X-Name": "Value", "Content-Type": "c/d", "TE": "trailers"})

    assert (reply.status, reply.body) == (418, b"\xff\x00")
    assert reply.headers.get_all("X-Twice") == ["1", "2"]
    assert reply.headers.get_all("Content-Type") == ["a/b"]
    assert len(reply.headers.get_all("Date") or ()) == len(reply.headers.get_all("Server") or ()) == 1
    (sent,) = border.emulator.sent
    assert (sent.method, sent.target, sent.body) == (method, target, b"\x00{")
    assert sorted(sent.headers) == [
        ("Accept-Encoding", "identity"),
        ("Content-Length", "2"),
        ("Content-Type", "c/d"),
        ("Host", f"127.0.0.1:{border.emulator.server_port}"),
        ("X-Name", "Value"),
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", f"/accounts/{ACCOUNT}/commands"),
        ("GET", f"/accounts/{ACCOUNT}/commands"),
        ("POST", f"/accounts/{ACCOUNT}/commands/k"),
        ("GET", f"/accounts/{ACCOUNT}/commands/k%2Fl"),
        ("POST", f"/accounts/{ACCOUNT}/commandsx"),
        ("POST", "/accounts"),
        ("GET", "/"),
        ("GET", ""),
    ],
)
def test_other_methods_and_paths_of_the_api_go_to_the_emulator(border: Border, method: str, path: str) -> None:
    assert border.ask(method, border.url(path)).body == b"passed"
    assert border.emulator.sent[0].target == border.url(path)


@pytest.mark.parametrize("target", ["/", "/_ministack/health", "/restapis/x/v1/_user_request_/accounts", "/restapis"])
def test_what_is_no_request_to_a_known_api_goes_to_the_emulator(border: Border, target: str) -> None:
    assert border.ask("GET", target).body == b"passed"


def test_heads_and_answers_without_a_body_pass(border: Border) -> None:
    border.emulator.answer = (200, [], b"four")
    head = border.ask("HEAD", border.url("/accounts"))
    border.emulator.answer = (304, [("ETag", '"1"')], b"")
    unchanged = border.ask("GET", border.url("/accounts"))

    assert (head.status, head.headers["Content-Length"], head.body) == (200, "4", b"")
    assert (unchanged.status, unchanged.headers["ETag"], unchanged.body) == (304, '"1"', b"")


def test_a_body_in_chunks_arrives_whole(border: Border) -> None:
    request = (
        f"POST {border.url(f'/accounts/{ACCOUNT}/commands')} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Idempotency-Key: k\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    ).encode()
    chunks = b"".join(b"%x;x=y\r\n%s\r\n" % (len(part), part) for part in (CREDIT[:5], CREDIT[5:]))
    with socket.create_connection(("127.0.0.1", border.proxy.server_port), timeout=10) as connection:
        connection.sendall(request + chunks + b"0\r\nX-Trailer: 1\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 202 ")
    assert border.rows.all()[0]["body"] == {"B": CREDIT}


@pytest.mark.parametrize("length", ["x", "-1"])
def test_a_length_that_is_none_is_refused(border: Border, length: str) -> None:
    with socket.create_connection(("127.0.0.1", border.proxy.server_port), timeout=10) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert border.emulator.sent == []


def test_one_connection_carries_many_requests(border: Border) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", border.proxy.server_port, timeout=10)
    statuses = []
    for _ in range(3):
        connection.request("POST", border.url(f"/accounts/{ACCOUNT}/commands"), CREDIT, JSON)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()

    assert statuses == [202, 202, 202]


def test_health_names_the_instance(border: Border) -> None:
    assert border.ask("GET", "/_health").document == {"edition": "this-one"}


def test_an_emulator_that_is_gone_is_told(border: Border) -> None:
    border.proxy.emulator = "127.0.0.1:1"

    assert border.ask("GET", "/").status == 502


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
        ClientError({"Error": {"Code": "InternalError", "Message": "x"}}, "GetStage"),
    ],
)
def test_a_control_plane_that_cannot_be_read_is_told(border: Border, error: Exception) -> None:
    def broken(**_: str) -> Any:
        raise error

    border.control.get_stage = broken  # type: ignore[method-assign]

    reply = border.submit()

    assert reply.status == 502
    assert border.rows.all() == []


def test_many_clients_at_once_are_all_answered(border: Border) -> None:
    with ThreadPoolExecutor(50) as clients:
        replies = list(clients.map(lambda _: border.ask("GET", border.url("/accounts")), range(200)))

    assert [reply.status for reply in replies] == [200] * 200
