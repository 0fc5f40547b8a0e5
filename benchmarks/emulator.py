"""Commands a second through API Gateway, function and table of the running local system.

The emulator is one Python process on the same cores, so this says how quick work on a laptop feels, not what AWS does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import msgspec

from benchmarks.report import Row

ENVIRONMENT_FILE = Path(__file__).resolve().parents[1] / ".local" / "environment.json"
SECONDS = 5.0
CLIENTS = (1, 16)


class LocalEnvironment(msgspec.Struct, frozen=True):
    """What of `.local/environment.json` a client needs."""

    api_url: str
    headers: dict[str, str]


def _client(environment: LocalEnvironment) -> httpx.Client:
    return httpx.Client(base_url=environment.api_url, headers=environment.headers, timeout=30)


def _worker(environment: LocalEnvironment, until: float) -> int:
    """Open an account and credit it until the time is up; the number of commands acknowledged."""
    done = 0
    with _client(environment) as client:
        opened = client.post("/accounts", json={"currency": "EUR"})
        opened.raise_for_status()
        account_id = opened.json()["account_id"]
        while time.perf_counter() < until:
            client.post(f"/accounts/{account_id}/credit", json={"amount": 1}).raise_for_status()
            done += 1
    return done


def measure() -> Iterator[Row]:
    """Yield commands a second for one client and for several. Raises FileNotFoundError when nothing runs."""
    environment = msgspec.json.decode(ENVIRONMENT_FILE.read_bytes(), type=LocalEnvironment)
    for clients in CLIENTS:
        with ThreadPoolExecutor(clients) as pool:
            start = time.perf_counter()
            done = sum(pool.map(_worker, [environment] * clients, [start + SECONDS] * clients))
            rate = done / (time.perf_counter() - start)
        yield Row(group="through the emulator", name=f"{clients} client(s)", value=rate, unit="commands/s")
