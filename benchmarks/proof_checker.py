"""How long `tools/verify_proof.py` takes from start to answer, beside a Python that does nothing; and a whole log."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.report import Row, at_most
from lambdas.transparency.checkpoint import Checkpoint
from lambdas.transparency.leaves import RowLeaf, encode_leaf
from lambdas.transparency.log_store import CHECKPOINT
from lambdas.transparency.memory import MemoryLogStore
from lambdas.transparency.note import vkey
from lambdas.transparency.proofs import inclusion
from lambdas.transparency.seal import SealHeader, checkpoint_name, encode_seal, seal_name
from lambdas.transparency.tile_reader import TileReader
from lambdas.transparency.tlog_proof import TlogProof
from lambdas.transparency.tree import Frontier
from tests.support.log_signer import SeededSigner

CHECKER = Path(__file__).resolve().parents[1] / "tools" / "verify_proof.py"
ORIGIN = "daybook/benchmark/000000000000/eu-central-1/0123456789abcdef"
RUNS = 21
LEAVES = 65_536
"""Of the log: a whole seal."""

MOST_MS = 60
"""What a proof may take beyond the start of Python: nobody waits for it."""


def measure() -> Iterator[Row]:
    """Yield the medians of whole processes, which take turns, and what the quickest ones differ by."""
    signer = SeededSigner()
    key = vkey(ORIGIN, signer.public_key())
    with TemporaryDirectory() as name:
        folder = Path(name)
        objects = _log(signer)
        for path, content in objects.items():
            (folder / "log" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "log" / path).write_bytes(content)
        proof = folder / "p"
        proof.write_bytes(_proof(objects))
        commands = {"a proof": ["proof", str(proof)], "nothing, in Python": []}
        times: dict[str, list[float]] = {each: [] for each in commands}
        for _ in range(RUNS):
            for each, words in commands.items():
                times[each].append(_seconds([str(CHECKER), *words, "--key", key] if words else ["-c", "pass"]))
        group = "tools/verify_proof.py, from start to answer"
        nothing = statistics.median(times["nothing, in Python"]) * 1000
        yield Row(group=group, name="nothing, in Python", value=nothing, unit="ms")
        taken = statistics.median(times["a proof"]) * 1000
        yield Row(group=group, name="a proof", value=taken, unit="ms")
        more = (min(times["a proof"]) - min(times["nothing, in Python"])) * 1000
        budget, met = at_most(more, MOST_MS)
        yield Row(group=group, name="quickest to quickest, more", value=more, unit="ms", budget=budget, met=met)
        whole = _seconds([str(CHECKER), "log", str(folder / "log"), "--key", key])
        yield Row(
            group=group, name="a copy of the whole log", value=LEAVES / whole, unit="entries/s", note=f"{LEAVES:,}"
        )


def _seconds(words: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-S", *words], check=True, capture_output=True)
    return time.perf_counter() - begun


def _log(signer: SeededSigner) -> dict[str, bytes]:
    """The objects of a log of one seal."""
    entries = [
        encode_leaf(
            RowLeaf(f"0b8f0a1e-6c1f-4a8e-9d57-{place // 10:012x}", place % 10 + 1, sha256(b"%d" % place).digest())
        )
        for place in range(LEAVES)
    ]
    frontier = Frontier()
    objects = dict(frontier.append(entries))
    objects |= dict(frontier.partials())
    checkpoint = Checkpoint(ORIGIN, LEAVES, frontier.root()).signed(signer)
    header = SealHeader(0, 0, LEAVES, ORIGIN, "2026-11-28T00:00:00.000Z", "0000", "2026-11-27", "")
    lines = b"".join(entry + b"\n" for entry in entries)
    return objects | {
        seal_name(0): encode_seal(header, lines),
        checkpoint_name(0): checkpoint,
        CHECKPOINT: checkpoint,
    }


def _proof(objects: dict[str, bytes]) -> bytes:
    store = MemoryLogStore()
    for name, content in objects.items():
        store.put(name, content)
    reader, place = TileReader(store), LEAVES // 3
    hashes = tuple(inclusion(reader, place, LEAVES))
    return TlogProof(place, hashes, objects[CHECKPOINT], reader.entry(place, LEAVES)).encode()
