"""The HTTP server in front of the emulator's Athena endpoint."""

import http.client
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from local.athena.answers import Json
from local.athena.service import Service

HEALTH = "/_health"
_TIMEOUT_SECONDS = 120.0
_NOT_PASSED_ON = {"connection", "content-length", "host", "transfer-encoding", "keep-alive", "accept-encoding"}


class Proxy(ThreadingHTTPServer):
    """Listens on an address. `emulator` is the emulator's URL, `instance` the identity in the health answer."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], *, emulator: str, instance: str, service: Service) -> None:
        super().__init__(address, _Handler)
        self.emulator = urlsplit(emulator).netloc
        self.instance = instance
        self.service = service


class _Handler(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The health answer. Athena's own API uses POST only."""
        self._answer(200 if self.path == HEALTH else 404, {"edition": self.server.instance})

    def do_POST(self) -> None:
        """A call of Athena's API."""
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        action = (self.headers.get("X-Amz-Target") or "").rpartition(".")[2]
        try:
            body = json.loads(raw or b"{}")
            status, answer = self.server.service.call(action, body, self._forward)
        except Exception as error:  # noqa: BLE001 - the client must get an answer, whatever went wrong
            self.log_error("%s failed: %r", action, error)
            status, answer = 500, {"__type": "InternalServerException", "Message": str(error)}
        self._answer(status, answer)

    def _forward(self, body: Json) -> tuple[int, Json]:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_PASSED_ON}
        connection = http.client.HTTPConnection(self.server.emulator, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("POST", self.path, body=json.dumps(body).encode(), headers=headers)
            response = connection.getresponse()
            answer = json.loads(response.read() or b"{}")
            return response.status, answer
        finally:
            connection.close()

    def _answer(self, status: int, answer: Json) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing for a request: the emulator's log has it."""
