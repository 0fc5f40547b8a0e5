"""An emulator for the border's tests: a control plane in this process, and a server that keeps what it was sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from constructs_lib.gateway_problems import GatewayProblem
from lambdas.contracts.command_model import command_model
from stacks import command_templates
from stacks.gateway_answers import GATEWAY_ANSWERS
from tests.support.command_gateway import deployed

SUBMIT = "/accounts/{account_id}/commands"
STATUS = f"{SUBMIT}/{{command_id}}"
API_ID = "api1"
STAGE = "v1"


class Sent(NamedTuple):
    """A request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes


class Emulator(ThreadingHTTPServer):
    """Answers DynamoDB's calls by `dynamodb` and every other request by `answer`: status, headers and body."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sent: list[Sent] = []
        self.answer: tuple[int, list[tuple[str, str]], bytes] = (200, [], b"passed")
        self.dynamodb: Callable[[str, bytes], tuple[int, bytes]] = lambda *_: (200, b"{}")

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is part of the tests; what else goes wrong shows in what the client gets."""


class _Handler(BaseHTTPRequestHandler):
    server: Emulator
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.sent.append(Sent(self.command, self.path, self.headers.items(), body))
        target = self.headers.get("X-Amz-Target")
        if target is None:
            status, headers, content = self.server.answer
        else:
            status, content = self.server.dynamodb(target.rpartition(".")[2], body)
            headers = []
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...


class ControlPlane:
    """API Gateway's control plane with one API, as boto3 shows it: the command routes and a Lambda route."""

    def __init__(self, table: str) -> None:
        self.asked: list[str] = []
        self.deployments = {STAGE: "d-1"}
        self.gateway_responses = {name: _gateway_response(name, problem) for name, problem in GATEWAY_ANSWERS.items()}
        submit = deployed("UpdateItem", command_templates.submit_request(table), command_templates.submit_answers())
        status = deployed("GetItem", command_templates.status_request(table), command_templates.status_answers())
        function = {"type": "AWS_PROXY", "uri": "arn:aws:apigateway:r:lambda:path/2015-03-31/functions/f/invocations"}
        checked = {"requestValidatorId": "v-1", "requestModels": {"application/json": "Command"}}
        lax = {"requestValidatorId": "v-2", "requestModels": {"application/json": "Command"}}
        self.resources: dict[str, dict[str, dict[str, Any]]] = {
            "/": {},
            "/accounts": {"POST": {"methodIntegration": function}},
            "/accounts/{account_id}": {},
            SUBMIT: {"POST": {"methodIntegration": submit, **checked}, "ANY": {"methodIntegration": function}},
            STATUS: {"GET": {"methodIntegration": status, **lax}, "HEAD": {}},
            "/{proxy+}": {"ANY": {"methodIntegration": function}},
        }

    def get_stage(self, *, restApiId: str, stageName: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """The stage, with its deployment."""
        self.asked.append("get_stage")
        if restApiId != API_ID or stageName not in self.deployments:
            raise ClientError({"Error": {"Code": "NotFoundException", "Message": "Invalid stage"}}, "GetStage")
        return {"stageName": stageName, "deploymentId": self.deployments[stageName]}

    def get_paginator(self, name: str) -> ControlPlane:
        """Of get_resources only."""
        assert name == "get_resources"
        return self

    def paginate(self, *, restApiId: str, embed: list[str]) -> list[dict[str, Any]]:  # noqa: N803
        """The resources in pages of four; without `embed` their methods would be left out."""
        assert (restApiId, embed) == (API_ID, ["methods"])
        self.asked.append("get_resources")
        items: list[dict[str, Any]] = [
            {"path": path, "resourceMethods": methods} if methods else {"path": path}
            for path, methods in self.resources.items()
        ]
        return [{"items": items[:4]}, {"items": items[4:]}]

    def get_gateway_responses(self, *, restApiId: str, limit: int) -> dict[str, Any]:  # noqa: N803
        """All of them."""
        assert (restApiId, limit) == (API_ID, 500)
        return {"items": list(self.gateway_responses.values())}

    def get_request_validator(self, *, restApiId: str, requestValidatorId: str) -> dict[str, Any]:  # noqa: N803
        """One that looks at bodies, and one that does not."""
        assert restApiId == API_ID
        return {"validateRequestBody": {"v-1": True, "v-2": False}[requestValidatorId]}

    def get_model(self, *, restApiId: str, modelName: str) -> dict[str, Any]:  # noqa: N803
        """The one model."""
        assert (restApiId, modelName) == (API_ID, "Command")
        return {"schema": json.dumps(command_model())}


def _gateway_response(response_type: str, problem: GatewayProblem) -> dict[str, Any]:
    return {
        "responseType": response_type,
        "statusCode": str(problem.status),
        "responseParameters": {f"gatewayresponse.header.{name}": value for name, value in problem.headers.items()},
        "responseTemplates": {"application/json": problem.template},
    }
