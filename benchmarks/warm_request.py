"""CPU time of a whole warm request, against a bare `put_item` of the same row.

A proxy event of API Gateway goes into the deployed handler and its answer comes out: routing, validation, the decision,
encoding, hashing, logs and metrics, and botocore down to the session that would send. There the network is replaced by
DynamoDB's answer to a put. The ratio says what all of our code adds to what any function must do that keeps one row.

The yardstick is botocore's client with the same time-outs and nothing else of ours, so what is saved in botocore
counts. The put by the handler's own client stands beside it. The three take turns, call by call, and of each round the
fastest call counts: it is the one that other programs disturbed least. What is written to standard output goes nowhere.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock
from uuid import UUID

from botocore.awsrequest import AWSResponse
from botocore.session import get_session

from benchmarks.report import Row, at_most
from lambdas.eventsourcing.dynamodb_client import TUNED, dynamodb_client
from lambdas.eventsourcing.transport import strict
from tests.support.function_variables import ACCOUNTS
from tests.support.lambda_context import Context

CALLS = 100
ROUNDS = 41
BUDGET = 1.6
REGION = ACCOUNTS["AWS_REGION"]
_ANSWER = b'{"ConsumedCapacity":{"TableName":"events","CapacityUnits":1.0}}'
_HEADERS = {
    "server": "Server", "content-type": "application/x-amz-json-1.0", "content-length": str(len(_ANSWER)),
    "x-amzn-requestid": "V" * 52, "x-amz-crc32": str(zlib.crc32(_ANSWER)),
}  # fmt: skip
_MODULE = "lambdas.handlers.accounts_api"

Work = Callable[[], object]


class Contenders(NamedTuple):
    """What is measured; each may be called again and again."""

    request: Work
    own_put: Work
    bare_put: Work


class _Body:
    def stream(self) -> Iterator[bytes]:
        yield _ANSWER


class _Network:
    """What a client of botocore sends by: every request is answered as a put that took effect."""

    def send(self, request: Any) -> AWSResponse:
        return AWSResponse(request.url, 200, _HEADERS, _Body())

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def contenders() -> Iterator[Contenders]:
    """The whole request, the put of its row by its own client, and the same by a bare one."""
    with mock.patch.dict(os.environ, ACCOUNTS), Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        client, bare = dynamodb_client(), get_session().create_client("dynamodb", REGION, config=TUNED)
        client._endpoint.http_session = _Network()  # noqa: SLF001
        bare._endpoint.http_session = _Network()  # noqa: SLF001
        strict(client)
        with mock.patch("lambdas.composition.accounts.dynamodb_client", return_value=client):
            handler = _fresh(_MODULE).handler
        puts: list[dict[str, Any]] = []
        with mock.patch.object(client, "put_item", side_effect=_recording(client.put_item, puts)):
            opened = handler(_event("/accounts", '{"currency":"EUR"}'), Context())
            account = {"account_id": json.loads(opened["body"])["account_id"]}
            event = _event("/accounts/{account_id}/credit", '{"amount":12500,"reference":"invoice 2026-0042"}', account)
            _accepted(handler(event, Context()))
        yield Contenders(
            lambda: _accepted(handler(event, Context())),
            lambda: client.put_item(**puts[-1]),
            lambda: bare.put_item(**puts[-1]),
        )
        sys.modules.pop(_MODULE)


def _fresh(name: str) -> Any:
    sys.modules.pop(name, None)
    return importlib.import_module(name)


def _recording(put: Callable[..., Any], puts: list[dict[str, Any]]) -> Callable[..., Any]:
    def record(**request: Any) -> Any:
        puts.append(request)
        return put(**request)

    return record


def _accepted(answer: dict[str, Any]) -> None:
    if answer["statusCode"] != 200:
        raise RuntimeError(answer["body"])


def _event(resource: str, body: str, parameters: dict[str, str] | None = None) -> dict[str, Any]:
    """A proxy event as API Gateway makes it of a signed request."""
    path = resource.format(**(parameters or {}))
    headers = {
        "Accept": "*/*", "Content-Type": "application/json", "User-Agent": "python-requests/2.32.5",
        "Host": "abcdefghij.execute-api.eu-central-1.amazonaws.com",
        "X-Amz-Date": "20260301T093000Z", "Authorization": "AWS4-HMAC-SHA256 …",
        "X-Amzn-Trace-Id": "Root=1-65e1a2b3-0123456789abcdef01234567", "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https", "X-Correlation-Id": str(UUID(int=7)),
    }  # fmt: skip
    return {
        "resource": resource, "path": path, "httpMethod": "POST", "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None, "multiValueQueryStringParameters": None, "pathParameters": parameters,
        "stageVariables": None, "body": body, "isBase64Encoded": False,
        "requestContext": {
            "resourcePath": resource, "httpMethod": "POST", "path": f"/live{path}", "stage": "live",
            "requestId": str(UUID(int=8)), "extendedRequestId": "abcdefghijklmno=", "protocol": "HTTP/1.1",
            "identity": {"caller": "AROAEXAMPLEEXAMPLE123:session", "sourceIp": "203.0.113.7"},
        },
    }  # fmt: skip


def _round(works: Contenders) -> list[int]:
    """CPU nanoseconds of the fastest call of each."""
    spent: list[list[int]] = [[] for _ in works]
    for _ in range(CALLS):
        for work, times in zip(works, spent, strict=True):
            start = time.process_time_ns()
            work()
            times.append(time.process_time_ns() - start)
    return [min(times) for times in spent]


def measure() -> Iterator[Row]:
    """Yield the times and the ratio that has a budget."""
    with contenders() as works:
        _round(works)
        gc.collect()
        rounds = [_round(works) for _ in range(ROUNDS)]
    group = "a whole warm request in process"
    names = ("request", "put_item by its own client", "bare put_item")
    for name, times in zip(names, zip(*rounds, strict=True), strict=True):
        yield Row(group=group, name=name, value=statistics.median(times) / 1000, unit="CPU µs")
    ratios = sorted(request / bare for request, _, bare in rounds)
    ratio = statistics.median(ratios)
    budget, met = at_most(ratio, BUDGET)
    yield Row(
        group=group, name="request to bare put_item", value=ratio, unit="ratio", budget=budget, met=met,
        note=f"{ROUNDS} rounds, half of them {ratios[ROUNDS // 4]:.2f} to {ratios[-1 - ROUNDS // 4]:.2f}",
    )  # fmt: skip
