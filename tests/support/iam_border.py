"""A border before the emulator that refuses what policies do not allow: a stand-in for IAM, which the emulator lacks.

It evaluates the documents of policies as they are deployed. It looks at actions on AWS's services and at routes of
`execute-api`; it checks that a request is signed, not whether the signature is right.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from local.gateway.exchange import forward, read_body
from stacks.gateway_answers import GATEWAY_ANSWERS
from tests.support.execute_api import Policy, statement

_CALL = re.compile(r"/restapis/[^/]+/(?P<stage>[^/]+)/_user_request_(?P<path>/[^?]*)")
_INVOKE = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)/invocations")
_SERVICES = {"Kinesis_20131202": "kinesis", "AmazonAthena": "athena"}


@dataclass(frozen=True)
class Refusal:
    """An answer that stands in place of the service's."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Decide = Callable[[str, str, Mapping[str, str]], Refusal | None]
"""Method, path with query and headers (names in lower case) of a request to its refusal; None lets it through."""


def routes_only(documents: Sequence[dict[str, Any]], stage: str) -> Decide:
    """What API Gateway refuses a caller who has exactly these policies: with the answers that the stacks deploy."""
    statements = [each for document in documents for each in document["Statement"]]
    policy = Policy([statement(each, each["Resource"], stage) for each in statements])

    def decide(method: str, path: str, headers: Mapping[str, str]) -> Refusal | None:
        called = _CALL.match(path)
        if called is None:
            return None
        if not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            return _of_gateway("MISSING_AUTHENTICATION_TOKEN")
        return None if policy.allows(method, unquote(called["path"])) else _of_gateway("ACCESS_DENIED")

    return decide


def _of_gateway(kind: str) -> Refusal:
    problem = GATEWAY_ANSWERS[kind]
    headers = {name: value.strip("'") for name, value in problem.headers.items() if value.startswith("'")}
    return Refusal(problem.status, headers, problem.template.encode())


def actions_only(allowed: Sequence[str]) -> Decide:
    """What Kinesis, Athena and Lambda refuse a caller who may do these actions, on any resource."""

    def decide(_: str, path: str, headers: Mapping[str, str]) -> Refusal | None:
        action = _action(path, headers)
        if action is None or action in allowed:
            return None
        message = f"User: arn:aws:iam::000000000000:user/tester is not authorized to perform: {action}"
        body = {"__type": "AccessDeniedException", "message": message, "Message": message}
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": "AccessDeniedException"}
        return Refusal(403 if action.startswith("lambda:") else 400, headers, json.dumps(body).encode())

    return decide


def _action(path: str, headers: Mapping[str, str]) -> str | None:
    service, _, operation = headers.get("x-amz-target", "").partition(".")
    if service in _SERVICES:
        return f"{_SERVICES[service]}:{operation}"
    return "lambda:InvokeFunction" if _INVOKE.match(path) else None


@contextmanager
def border(url: str, decide: Decide) -> Iterator[str]:
    """The address of a border before `url`, which may have a path."""
    place = urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = read_body(self.headers, self.rfile)
            headers = {name.lower(): value for name, value in self.headers.items()}
            refusal = decide(self.command, self.path, headers)
            if refusal is not None:
                self._answer(refusal.status, refusal.headers.items(), refusal.body)
                return
            found = forward(place.netloc, self.command, self.path, self.headers.items(), body)
            kept = [each for each in found.headers if each[0].lower() not in {"content-length", "transfer-encoding"}]
            self._answer(found.status, kept, found.body)

        do_GET = do_POST  # noqa: N815 - the name that the server calls

        def _answer(self, status: int, headers: Any, body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield place._replace(netloc=f"127.0.0.1:{server.server_port}").geturl()
        finally:
            server.shutdown()
            thread.join()
