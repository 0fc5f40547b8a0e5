"""Read models of the running local system: how soon an acknowledged command is seen in one, and how quick a rebuild is.

A client credits an account, and once that is answered asks `GET /accounts?ids=…&min_version=…` until it is not told to
come back later. The times are the emulator's, one Python process on the same cores: they compare ways on it, and say
nothing of AWS, where a record of the stream is read once a second.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import requests

from benchmarks.report import Row
from cli.environments.place import Place
from cli.projections.leftovers import delete_leftovers
from cli.projections.models import Model, open_models
from cli.projections.starting import plan, start
from lambdas.projections.control import Building
from local import system
from local.example.client import Client
from local.machine.environment import Environment
from local.machine.layout import default_layout
from local.machine.lock import only_one
from local.machine.progress import Progress

GROUP = "read models, through the emulator"
COMMANDS, WARM_UP = 100, 20
SEGMENTS = 4
PATIENCE_SECONDS = 300.0
POLL_SECONDS = 0.005


class Times(msgspec.Struct):
    """Seconds: of the route that takes the command, and from its answer to the version in the read model."""

    command: list[float] = []
    visible: list[float] = []


def _times(environment: Environment) -> Times:
    client, asking, times = Client(environment), requests.Session(), Times()
    try:
        account_id = client.post("/accounts", {"currency": "EUR"}, expected=201).body["account_id"]
        for number in range(WARM_UP + COMMANDS):
            started = time.perf_counter()
            version = client.post(f"/accounts/{account_id}/credit", {"amount": 1}, expected=200).body["version"]
            answered = time.perf_counter()
            _wait_for(asking, environment, f"/accounts?ids={account_id}&min_version={version}")
            if number >= WARM_UP:
                times.command.append(answered - started)
                times.visible.append(time.perf_counter() - answered)
    finally:
        asking.close()
        client.close()
    return times


def _wait_for(session: requests.Session, environment: Environment, path: str) -> None:
    """Ask until the read model has the version. Raises RuntimeError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        status = session.get(environment.api_url + path, headers=environment.headers, timeout=30).status_code
        if status == 200:
            return
        if status != 503 or time.monotonic() > deadline:
            raise RuntimeError(f"{path} is answered {status}")
        time.sleep(POLL_SECONDS)


def _latency(name: str, seconds: list[float]) -> Iterator[Row]:
    percentile = statistics.quantiles(seconds, n=100, method="inclusive")[98]
    for kind, value in (("median", statistics.median(seconds)), ("99th percentile", percentile)):
        yield Row(group=GROUP, name=f"{name}, {kind}", value=1000 * value, unit="ms", note=f"of {len(seconds)}")


def _rebuild(model: Model) -> Iterator[Row]:
    """A generation beside the live one, which is left as it is. Nothing where somebody's stands beside it already."""
    control = model.control.read()
    if control.building is not None or control.previous:
        return
    planned = plan(model, SEGMENTS, datetime.now(UTC))
    started = time.perf_counter()
    start(model, planned)
    _wait_until_built(model, planned.building)
    seconds = time.perf_counter() - started
    rows = sum(each.rows for each in model.segments.all(planned.building.generation))
    built = model.control.read()
    alone = built.dropped()
    model.control.change(built, alone)
    delete_leftovers(model, alone, lambda _: None)
    yield Row(
        group=GROUP, name=f"rebuild of {model.name}", value=rows / seconds, unit="events/s",
        note=f"{rows:,} events in {SEGMENTS} segments, {seconds:.1f} s",
    )  # fmt: skip


def _wait_until_built(model: Model, building: Building) -> None:
    """Raises RuntimeError if the rebuild does not end as it should."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (now := model.control.read().building) is not None and now.state != "built":
        execution = model.executions.find(building.rebuild)
        if time.monotonic() > deadline or execution is None or not (execution.runs or execution.status == "SUCCEEDED"):
            raise RuntimeError(f"the rebuild {building.rebuild} is {execution}")
        time.sleep(0.05)


def measure() -> Iterator[Row]:
    """Yield the times, then the rates. Starts the local system if it does not run."""
    layout = default_layout()
    with only_one(layout.lock_file, "starting or stopping this environment"):
        environment = system.up(layout, Progress()).environment
    times = _times(environment)
    yield from _latency("command's 200 to GET /accounts", times.visible)
    yield from _latency("synchronous route", times.command)
    place = Place("local", layout.environment_file, environment.region, environment.aws_endpoint_url)
    for model in open_models(place).values():
        yield from _rebuild(model)
