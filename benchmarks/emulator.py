"""Commands per second through API Gateway, function and table of the running local system.

The emulator is one Python process on the same cores, so this measures work on a laptop, not AWS.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.report import Row
from local import system
from local.example.client import Client
from local.machine.environment import Environment
from local.machine.layout import default_layout
from local.machine.lock import only_one
from local.machine.progress import Progress

WARM_UP_SECONDS = 10.0
SECONDS = 5.0
CLIENTS = (1, 16)


class _Account:
    """A client and its own account."""

    def __init__(self, environment: Environment) -> None:
        self._client = Client(environment)
        opened = self._client.post("/accounts", {"currency": "EUR"}, expected=201)
        self._path = f"/accounts/{opened.body['account_id']}/credit"

    def credit_until(self, end: float) -> int:
        """Send commands one after the other; returns how many were acknowledged."""
        done = 0
        while time.perf_counter() < end:
            self._client.post(self._path, {"amount": 1}, expected=200)
            done += 1
        return done

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _rate(environment: Environment, clients: int) -> float:
    """Commands per second, after warming up as many functions as needed."""
    accounts = [_Account(environment) for _ in range(clients)]
    try:
        with ThreadPoolExecutor(clients) as pool:
            for seconds in (WARM_UP_SECONDS, SECONDS):
                start = time.perf_counter()
                done = sum(pool.map(_Account.credit_until, accounts, [start + seconds] * clients))
                rate = done / (time.perf_counter() - start)
        return rate
    finally:
        for account in accounts:
            account.close()


def measure() -> Iterator[Row]:
    """Yield commands per second for one client and for several. Starts the local system if it does not run."""
    layout = default_layout()
    with only_one(layout.lock_file, "starting or stopping this environment"):
        environment = system.up(layout, Progress()).environment
    for clients in CLIENTS:
        name = "1 client" if clients == 1 else f"{clients} clients"
        yield Row(group="through the emulator", name=name, value=_rate(environment, clients), unit="commands/s")
