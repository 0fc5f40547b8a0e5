"""What the service writes, tools/verify_proof.py takes: logs of the real sealer, its proofs, and the files of rows."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.rows import EventRow
from lambdas.transparency.memory import MemoryLogStore
from lambdas.transparency.note import vkey
from lambdas.transparency.proving import Prover
from lambdas.transparency.row_bundle import head_line, row_line
from tests.support.genuine_history import A
from tests.support.runs import seeds
from tests.support.sealed_world import SIGNER, World, live
from tests.unit.tools.conftest import Ask
from tools import verify_proof as tool

ACCOUNTS = [f"a{number}" for number in range(4)]


def copied(store: MemoryLogStore, folder: Path) -> Path:
    """The log as a folder of files."""
    for name, (content, _) in store.contents().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("seed", seeds(check=5, test=30, soak=2_000))
def test_any_log_of_the_sealer(seed: int, tmp_path: Path, ask: Ask) -> None:
    """With late events and restores; every checkpoint there was is kept, and is the beginning of the last one."""
    random = Random(seed)
    world = World()
    for _ in range(random.randrange(2, 6)):
        live(world, random, ACCOUNTS)
        world.meanwhile = partial(live, world, random, ACCOUNTS) if random.random() < 0.3 else lambda: None
        found = world.seal(seal_leaves=random.choice([1, 3, 65_536]))
    folder = copied(world.store, tmp_path / "log")
    newest = (folder / "checkpoint").read_bytes()
    key = vkey(newest.decode().partition("\n")[0], SIGNER.public_key())
    status, said = ask("log", folder, "--key", key, "--kept", folder / "checkpoints")
    assert (status, f"yes: all {found.size} entries in" in said) == (0, True), said
    assert "Not looked at" not in said
    prover = Prover(world.store, world.index)
    old = tool.open_checkpoint((folder / "checkpoints" / "00000000").read_bytes(), [tool.Key(key)])
    file = tmp_path / "proof"
    file.write_bytes(prover.consistency(old.size).encode())
    assert ask("consistency", folder / "checkpoints" / "00000000", file, "--key", key)[0] == 0
    for account, head in world.index.heads(ACCOUNTS).items():
        for version in range(1, head.version + 1):
            file.write_bytes(prover.proof(account, version).encode())
            status, said = ask("proof", file, "--key", key)
            assert (status, f": {account}/{version} " in said) == (0, True), said


TEXTS = st.text(max_size=30) | st.just('"\\/\b\f\n\r\t\x00\x1f\x7f\u2028é😀')


@given(texts=st.lists(TEXTS, min_size=7, max_size=7), state=st.none() | TEXTS, schema=st.integers(0, 2**31))
def test_any_row_that_the_service_writes(texts: list[str], state: str | None, schema: int) -> None:
    commit, kind, data, metadata, occurred, recorded, proof = texts
    row = EventRow(
        A, 1, commit, kind, schema, data, metadata, occurred, recorded, bytes(32), state, None if state is None else 1
    )
    read = tool.json_line(row_line(row), tool.ROW, "the row")
    assert tool.row_hash(GENESIS, read) == row_hash(GENESIS, row)
    names = ["format", "account_id", "previous", "proof"]
    assert tool.json_line(head_line(A, bytes(32), proof.encode()), names, "the first line")["proof"] == proof
