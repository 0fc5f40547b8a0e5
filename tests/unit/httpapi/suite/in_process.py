"""The deployed function's own code over the in-memory store, called with API Gateway's proxy events."""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest

from lambdas.composition.accounts import account_service
from lambdas.composition.settings import LedgerSettings
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.timestamps import utc_now
from tests.support.followed_ledger import FollowedLedger
from tests.support.function_variables import ACCOUNTS
from tests.support.sealed_ledger import SealedLedger
from tests.unit.httpapi.suite.api import Answer, Api, Call
from tests.unit.httpapi.suite.gateway import found

ENVIRONMENT = {**ACCOUNTS, "POWERTOOLS_LOG_LEVEL": "INFO"}
REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
CONTEXT = SimpleNamespace(
    function_name="accounts",
    function_version="1",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:eu-west-1:000000000000:function:accounts:live",
    aws_request_id=REQUEST_ID,
)


def handler_module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The handler's module, imported as in a function: with its environment variables set."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return importlib.import_module("lambdas.handlers.accounts_api")


@dataclass
class InProcessApi(Api):
    """Calls the handler. `caller` is the IAM principal; `binary` delivers bodies in base64.

    `base_path` is that of a custom domain, as in /ledger.
    """

    module: Any
    caller: str | None = None
    binary: bool = False
    base_path: str = ""
    raw_responses: list[dict[str, Any]] = field(default_factory=list)

    def exchange(self, call: Call) -> Answer:
        event = proxy_event(call, caller=self.caller, binary=self.binary, base_path=self.base_path)
        # What crosses the wire to and from a function is JSON.
        response = json.loads(json.dumps(self.module.handler(json.loads(json.dumps(event)), CONTEXT)))
        self.raw_responses.append(response)
        assert response["isBase64Encoded"] is False
        headers = {name.lower(): ", ".join(values) for name, values in response["multiValueHeaders"].items()}
        return Answer(response["statusCode"], headers, (response["body"] or "").encode())


def in_process_api(
    monkeypatch: pytest.MonkeyPatch,
    *,
    store: EventStore | None = None,
    clock: Any = utc_now,
    expected: Callable[[str], bool] = lambda _: False,
    test_callers: str = "",
    writes: str = "on",
    followed: FollowedLedger | None = None,
    sealed: SealedLedger | None = None,
    **options: Any,
) -> InProcessApi:
    """The handler composed as in AWS, but over `store`. `expected`: accounts that a stored command is about to open.

    `followed`: the read models, which are those of `store` unless others are given; `sealed`: the log, likewise.
    """
    module = handler_module(monkeypatch)
    store = store or InMemoryEventStore()
    settings = LedgerSettings(event_table="events", environment="test", snapshot_interval=10, test_callers=test_callers)
    service = account_service(store, settings, clock=clock)
    read_models = module.ReadModelRoutes(*(followed or FollowedLedger(store)).read_models(), clock=clock)
    proofs = module.ProofRoutes((sealed or SealedLedger(store)).prover)
    routes = module.AccountsApi(service, read_models, proofs, expected=expected).routes()
    application = module.Application(module.offered(routes, writes))
    monkeypatch.setattr(module, "_application", application)
    return InProcessApi(module, **options)


def proxy_event(call: Call, *, caller: str | None = None, binary: bool = False, base_path: str = "") -> dict[str, Any]:
    """The event of payload format 1.0 as API Gateway sends it: text bodies with bad UTF-8 replaced.

    Behind a custom domain with a base path both paths in it begin with that instead of nothing and the stage; resource
    and parameters are the same.
    """
    headers: dict[str, list[str]] = {}
    for name, value in call.headers:
        headers.setdefault(name, []).append(value)
    parameters: dict[str, list[str]] = {}
    for name, value in call.query:
        parameters.setdefault(name, []).append(value)
    path = unquote_to_bytes(call.path).decode("utf-8", "replace")
    resource, path_parameters = found(call.path)
    return {
        "resource": resource,
        "path": base_path + path,
        "httpMethod": call.method,
        "headers": _last(headers),
        "multiValueHeaders": headers or None,
        "queryStringParameters": _last(parameters),
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": path_parameters or None,
        "requestContext": {
            "stage": "v1",
            "requestId": REQUEST_ID,
            "resourcePath": resource,
            "path": f"{base_path or '/v1'}{path}",
            "identity": {"sourceIp": "127.0.0.1", "userAgent": "test", "caller": caller},
            "httpMethod": call.method,
        },
        "body": _body(call.body, binary=binary),
        "isBase64Encoded": binary and bool(call.body),
    }


def _last(values: Mapping[str, list[str]]) -> dict[str, str] | None:
    return {name: each[-1] for name, each in values.items()} or None


def _body(body: bytes | None, *, binary: bool) -> str | None:
    if not body:
        return None
    return base64.b64encode(body).decode() if binary else body.decode("utf-8", "replace")
