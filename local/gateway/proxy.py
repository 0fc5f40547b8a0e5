"""The HTTP server in front of the emulator: runs integrations with DynamoDB, passes all other requests through."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from local.gateway.answers import DEFAULT_5XX, Answer
from local.gateway.context import request_context
from local.gateway.deployed import Api, DeployedApis
from local.gateway.errors import GatewayError
from local.gateway.exchange import Response, forward, read_body
from local.gateway.integration import Integration, Send, run
from local.gateway.rendering import GatewayRequest

HEALTH = "/_health"
_TARGET = re.compile(r"/restapis/(?P<api>[^/]+)/(?P<stage>[^/]+)/_user_request_(?P<path>/.*)?")
_FAILED = "Internal server error"


class Proxy(ThreadingHTTPServer):
    """Listens on an address. `emulator` is the emulator's URL, `instance` the identity in the health answer."""

    daemon_threads = True
    request_queue_size = 128  # many clients may connect at once; of more than this some would wait for a second

    def __init__(
        self, address: tuple[str, int], *, emulator: str, instance: str, apis: DeployedApis, send: Send
    ) -> None:
        super().__init__(address, _Handler)
        self.emulator = urlsplit(emulator).netloc
        self.instance = instance
        self.apis = apis
        self.send = send


@dataclass(frozen=True, kw_only=True)
class _Call:
    """A request for a method with an integration with DynamoDB."""

    api: Api
    integration: Integration
    request: GatewayRequest


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go in two writes: the second would wait for the client

    def _serve(self) -> None:
        try:
            body = read_body(self.headers, self.rfile)
        except ValueError as error:
            self.close_connection = True
            self._tell(400, str(error))
            return
        try:
            if self.path == HEALTH:
                self._write(200, [("Content-Type", "application/json")], _json({"edition": self.server.instance}))
            elif (call := self._call(body)) is not None:
                self._reply(call, self._answer(call))
            else:
                self._relay(forward(self.server.emulator, self.command, self.path, self.headers.items(), body))
        except (OSError, http.client.HTTPException, BotoCoreError, ClientError) as error:
            self._tell(502, f"the emulator cannot be reached: {error!r}")

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Serve every HTTP method, also an unknown one: the base class looks for `do_GET` and so on."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _call(self, body: bytes) -> _Call | None:
        """The request if it is for an integration with DynamoDB, else None."""
        target = urlsplit(self.path)
        called = _TARGET.fullmatch(target.path)
        api = called and self.server.apis.find(called["api"], called["stage"])
        route = called and api and api.route(self.command, called["path"] or "/")
        if not (called and api and route and route.integration):
            return None
        context = request_context(
            now=datetime.now(UTC),
            api_id=called["api"],
            stage=called["stage"],
            method=self.command,
            path=called["path"] or "/",
            resource_path=route.resource_path,
            chosen_id=self.headers.get("x-amzn-RequestId"),
        )
        request = GatewayRequest(
            body=body,
            headers=self.headers.items(),
            query=parse_qsl(target.query, keep_blank_values=True),
            path=route.parameters,
            context=context,
        )
        return _Call(api=api, integration=route.integration, request=request)

    def _answer(self, call: _Call) -> Answer:
        try:
            return run(call.integration, call.request, self.server.send)
        except GatewayError as error:
            self.log_error("%s: %s", error.response_type, error)
            return call.api.gateway_response(error.response_type).answer(error.message, call.request)
        except Exception as error:  # noqa: BLE001 - the client must get an answer, whatever went wrong
            self.log_error("%s failed: %r", self.path, error)
            return call.api.gateway_response(DEFAULT_5XX).answer(_FAILED, call.request)

    def _reply(self, call: _Call, answer: Answer) -> None:
        ids = {
            "x-amzn-RequestId": str(call.request.context["requestId"]),
            "x-amz-apigw-id": str(call.request.context["extendedRequestId"]),
        }
        self._write(answer.status, [*ids.items(), *answer.headers.items()], answer.body)

    def _relay(self, response: Response) -> None:
        self.send_response_only(response.status, response.reason)
        for name, value in response.headers:
            self.send_header(name, value)
        if self.command != "HEAD" and not any(name.lower() == "content-length" for name, _ in response.headers):
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def _tell(self, status: int, message: str) -> None:
        self.log_error("%s", message)
        self._write(status, [("Content-Type", "application/json")], _json({"message": message}))

    def _write(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing for a request: the emulator's log has it."""


def _json(document: object) -> bytes:
    return json.dumps(document).encode()
