"""Read models of the running local system: how soon an acknowledged command is seen in one, and how quick a rebuild is.

A client credits an account, and once that is answered asks `GET /accounts?ids=…&min_version=…` until it is not told to
come back later. The times are the emulator's, one Python process on the same cores: they compare ways on it, and say
nothing of AWS. There a batch of the stream waits for its window first, and records are read once a second.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import requests

from benchmarks.report import Row
from cli.environments.place import Place
from cli.projections.models import Model, open_models
from cli.projections.starting import plan, start
from local import system
from local.example.client import Client
from local.machine.environment import Environment
from local.machine.layout import default_layout
from local.machine.lock import only_one
from local.machine.progress import Progress

GROUP = "read models, through the emulator"
COMMANDS = 100
WARM_UP = 20
SEGMENTS = 4
PATIENCE_SECONDS = 300.0
POLL_SECONDS = 0.005


class Times(msgspec.Struct):
    """Seconds: of the route that takes the command, and from its answer to the version in the read model."""

    command: list[float] = []
    visible: list[float] = []


def _times(environment: Environment) -> Times:
    client, times = Client(environment), Times()
    try:
        account_id = client.post("/accounts", {"currency": "EUR"}, expected=201).body["account_id"]
        for number in range(WARM_UP + COMMANDS):
            started = time.perf_counter()
            version = client.post(f"/accounts/{account_id}/credit", {"amount": 1}, expected=200).body["version"]
            answered = time.perf_counter()
            _wait_for(environment, account_id, version)
            if number >= WARM_UP:
                times.command.append(answered - started)
                times.visible.append(time.perf_counter() - answered)
    finally:
        client.close()
    return times


def _wait_for(environment: Environment, account_id: str, version: int) -> None:
    """Ask until the read model has the version. Raises RuntimeError."""
    url = f"{environment.api_url}/accounts?ids={account_id}&min_version={version}"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (status := requests.get(url, headers=environment.headers, timeout=30).status_code) == 503:
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_SECONDS)
    if status != 200:
        raise RuntimeError(f"{url} is answered {status}")
