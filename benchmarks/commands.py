"""Asynchronous commands in the running local system: round trips until 202, and times until 202 and until the end.

Round trips are counted by running the deployed integration; functions are those that the deployed methods call. The
times are the emulator's, one Python process on the same cores: they compare asynchronous with synchronous commands on
it, for one client and one account, in alternating rounds, and say nothing about AWS. A round has one kind of command,
because the publication of its events in the background slows the next commands.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from botocore.credentials import Credentials

from benchmarks.report import Row, at_most
from lambdas.httpapi.routing import GATEWAY_ROUTES
from local import system
from local.emulator import aws
from local.example.client import Client
from local.gateway.context import request_context
from local.gateway.deployed import read_api
from local.gateway.dynamodb import DynamoDB
from local.gateway.integration import Integration, run
from local.gateway.rendering import GatewayRequest
from local.machine.environment import Environment
from local.machine.layout import default_layout
from local.machine.lock import only_one
from local.machine.progress import Progress

SUBMIT = "/accounts/{account_id}/commands"
ROUNDS = 5
ROUND = 20
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.002
GROUP = "asynchronous commands"

_API = re.compile(r"/restapis/(?P<api>[^/]+)/(?P<stage>[^/]+)/")
_CREDIT = {"type": "CreditAccount", "amount": 1}


class Times(msgspec.Struct):
    """Seconds: of asynchronous commands until 202, and from 202 to their end; of synchronous commands."""

    accepted: list[float] = []
    ended: list[float] = []
    synchronous: list[float] = []


class _CountedDynamoDB:
    """The emulator's DynamoDB. Counts its calls."""

    def __init__(self, environment: Environment) -> None:
        self.calls = 0
        self._send = DynamoDB(environment.aws_endpoint_url, Credentials("local", "local"))

    def __call__(self, integration: Integration, payload: bytes) -> tuple[int, bytes]:
        self.calls += 1
        return self._send(integration, payload)


class _Account:
    """A client and its own account."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._path = f"/accounts/{client.post('/accounts', {'currency': 'EUR'}, expected=201).body['account_id']}"

    def round(self) -> Times:
        """Run a round of each kind."""
        times = Times()
        for _ in range(ROUND):
            started = time.perf_counter()
            answer = self._client.post(f"{self._path}/commands", _CREDIT, expected=202)
            accepted = time.perf_counter()
            self._follow(f"{self._path}/{answer.headers['location']}")
            times.accepted.append(accepted - started)
            times.ended.append(time.perf_counter() - accepted)
        for _ in range(ROUND):
            started = time.perf_counter()
            self._client.post(f"{self._path}/credit", {"amount": 1}, expected=200)
            times.synchronous.append(time.perf_counter() - started)
        return times

    def _follow(self, path: str) -> None:
        """Poll until the command has succeeded. Raises RuntimeError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (status := self._client.get(path).body["status"]) == "PENDING" and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        if status != "SUCCEEDED":
            raise RuntimeError(f"{path} is {status}")


def _api_id(environment: Environment) -> str:
    found = _API.search(environment.api_url)
    if found is None:
        raise RuntimeError(f"{environment.api_url} names no API")
    return found["api"]


def _functions(environment: Environment) -> int:
    """The number of methods that call a function although the gateway should answer them itself."""
    control = aws.client(environment, "apigateway")
    pages = control.get_paginator("get_resources").paginate(restApiId=_api_id(environment), embed=["methods"])
    methods: Mapping[str, Any] = {
        each["path"]: each.get("resourceMethods", {}) for page in pages for each in page["items"]
    }
    uris = [methods[path][name]["methodIntegration"]["uri"] for path, names in GATEWAY_ROUTES.items() for name in names]
    return sum(":lambda:" in uri for uri in uris)


def _round_trips(environment: Environment) -> int:
    """The number of DynamoDB calls of a command until 202. Raises RuntimeError for another answer."""
    api_id, dynamodb = _api_id(environment), _CountedDynamoDB(environment)
    integration = read_api(aws.client(environment, "apigateway"), api_id).methods[SUBMIT, "POST"]
    context = request_context(
        now=datetime.now(UTC), api_id=api_id, stage="-", method="POST", path="/-", resource_path=SUBMIT
    )
    request = GatewayRequest(body=msgspec.json.encode(_CREDIT), path={"account_id": str(uuid4())}, context=context)
    answer = run(integration, request, dynamodb)
    if answer.status != 202:
        raise RuntimeError(f"the command was answered {answer.status}")
    return dynamodb.calls


def _times(environment: Environment) -> Times:
    """The times of all rounds except the first, which is for warming up."""
    client = Client(environment)
    try:
        account = _Account(client)
        account.round()
        rounds = [account.round() for _ in range(ROUNDS)]
    finally:
        client.close()
    return Times(
        [time for each in rounds for time in each.accepted],
        [time for each in rounds for time in each.ended],
        [time for each in rounds for time in each.synchronous],
    )


def _latency(name: str, seconds: list[float]) -> Iterator[Row]:
    percentile = statistics.quantiles(seconds, n=100, method="inclusive")[98]
    note = f"of {len(seconds)}"
    for kind, value in (("median", statistics.median(seconds)), ("99th percentile", percentile)):
        yield Row(group=GROUP, name=f"{name}, {kind}", value=1000 * value, unit="ms", note=note)


def measure() -> Iterator[Row]:
    """Yield the counts, then the times. Starts the local system if it does not run."""
    layout = default_layout()
    with only_one(layout.lock_file, "starting or stopping this environment"):
        environment = system.up(layout, Progress()).environment
    for name, value, bound, unit in (
        ("round trips until 202", _round_trips(environment), 1, "requests"),
        ("functions until 202, or reading the outcome", _functions(environment), 0, "functions"),
    ):
        budget, met = at_most(value, bound)
        yield Row(group=GROUP, name=name, value=value, unit=unit, budget=budget, met=met)
    times = _times(environment)
    yield from _latency("command to 202", times.accepted)
    yield from _latency("202 to end state", times.ended)
    yield from _latency("synchronous route", times.synchronous)
