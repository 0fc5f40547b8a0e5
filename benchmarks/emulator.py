"""Commands a second through API Gateway, function and table of the running local system.

The emulator is one Python process on the same cores, so this says how quick work on a laptop feels, not what AWS does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.report import Row
from local import system
from local.client import Client
from local.environment import Environment
from local.layout import default_layout
from local.lock import only_one
from local.progress import Progress

SECONDS = 5.0
CLIENTS = (1, 16)


def _worker(environment: Environment, until: float) -> int:
    """Open an account and credit it until the time is up; the number of commands acknowledged."""
    done = 0
    client = Client(environment)
    try:
        account_id = client.post("/accounts", {"currency": "EUR"}, expected=201).body["account_id"]
        while time.perf_counter() < until:
            client.post(f"/accounts/{account_id}/credit", {"amount": 1}, expected=200)
            done += 1
    finally:
        client.close()
    return done


def measure() -> Iterator[Row]:
    """Yield commands a second for one client and for several; starts the local system when it does not run."""
    layout = default_layout()
    with only_one(layout.lock_file, "starting or stopping this environment"):
        environment = system.up(layout, Progress()).environment
    for clients in CLIENTS:
        with ThreadPoolExecutor(clients) as pool:
            start = time.perf_counter()
            done = sum(pool.map(_worker, [environment] * clients, [start + SECONDS] * clients))
            rate = done / (time.perf_counter() - start)
        yield Row(group="through the emulator", name=f"{clients} client(s)", value=rate, unit="commands/s")
