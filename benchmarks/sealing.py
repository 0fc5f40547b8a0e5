"""The transparency log: what sealing takes in CPU, memory and bytes, and what a proof is made of.

Sealing runs in a process of its own for each length of the lake, with the real sealer on a disk. CPU is that of one
thread's worth of work: the tree alone, and a whole seal with deciding, index and objects. A proof's requests are those
that S3 and DynamoDB are asked, counted on the ports with nothing remembered.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.report import Row, at_most
from lambdas.transparency.index import Run
from lambdas.transparency.leaves import encode_leaf
from lambdas.transparency.log_store import Stored
from lambdas.transparency.proving import Prover
from lambdas.transparency.tree import Frontier
from tests.support.built_log import built_log, leaf_at

GROUP = "transparency log"
REPOSITORY = Path(__file__).resolve().parents[1]
ACCOUNTS = 100
SHORT, LONG = 100_000, 1_000_000
"""Leaves of the lakes whose sealing is compared."""

FLAT = 1.2
"""The budget: the longer lake takes at most so much times the memory of the shorter one."""

LOG = 100_000
"""Entries of the log in which a proof is made."""

REQUESTS = 8
"""The budget of a proof, cold: one Query, the checkpoint, the entry's bundle, and of each of three levels of tiles the one
above the entry and the one at the right edge, which on the highest is the same."""


class Counting:
    """Counts what a store or an index is asked, and the bytes that come."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.requests = self.bytes = 0

    def get(self, name: str) -> Stored | None:
        found: Stored | None = self._inner.get(name)
        self.requests += 1
        self.bytes += len(found.content) if found else 0
        return found

    def run_of(self, account_id: str, version: int) -> Run | None:
        self.requests += 1
        found: Run | None = self._inner.run_of(account_id, version)
        return found


def _tree() -> Row:
    entries = [encode_leaf(leaf_at(place)) for place in range(SHORT)]
    frontier = Frontier()
    begun = time.process_time()
    for _ in frontier.append(entries):
        pass
    taken = time.process_time() - begun
    return Row(group=GROUP, name="the tree alone: tiles, bundles, root", value=SHORT / taken, unit="leaves/CPU s")


def _sealed(leaves: int) -> dict[str, float]:
    with TemporaryDirectory() as folder:
        words = ["-m", "tests.support.memory_of_sealing", str(ACCOUNTS), str(leaves // ACCOUNTS), folder]
        done = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True, cwd=REPOSITORY)
    found: dict[str, float] = json.loads(done.stdout)
    if found["leaves"] != leaves:
        raise RuntimeError(f"not everything was sealed: {found}")
    return found


def _sealing() -> Iterator[Row]:
    short, long = _sealed(SHORT), _sealed(LONG)
    yield Row(group=GROUP, name="sealed, all of it, on a disk", value=LONG / long["cpu"], unit="leaves/CPU s")
    for leaves, found in ((SHORT, short), (LONG, long)):
        yield Row(group=GROUP, name=f"memory at {leaves:,} leaves", value=found["memory"] / 2**20, unit="MB")
    ratio = long["memory"] / short["memory"]
    budget, met = at_most(ratio, FLAT)
    yield Row(group=GROUP, name="memory, ten times the leaves", value=ratio, unit="ratio", budget=budget, met=met)
    yield Row(
        group=GROUP, name="objects on S3", value=long["bytes"] / LONG, unit="bytes/leaf",
        note=f"{int(long['objects']):,} objects: seals, entry bundles, tiles, checkpoints",
    )  # fmt: skip


def _proof() -> Iterator[Row]:
    log = built_log(LOG, known=[LOG // 3])
    leaf = leaf_at(LOG // 3)
    store, index = Counting(log.store), Counting(log.index)
    proof = Prover(store, index).proof(leaf.account_id, leaf.version)  # type: ignore[arg-type]
    requests = store.requests + index.requests
    budget, met = at_most(requests, REQUESTS)
    yield Row(
        group=GROUP, name=f"a proof, cold, of {LOG:,} entries", value=requests, unit="requests", budget=budget, met=met,
        note=f"{index.requests} Query, {store.requests} objects of {store.bytes:,} bytes",
    )  # fmt: skip
    yield Row(group=GROUP, name="its file", value=len(proof.encode()), unit="bytes")


def measure() -> Iterator[Row]:
    """Yield rates, memory, bytes, and what a proof costs."""
    yield _tree()
    yield from _sealing()
    yield from _proof()
