"""Proofs that are given out verify, and what the index or the bucket says wrongly is not given out."""

from __future__ import annotations

import random
from base64 import b64encode

import pytest
from msgspec.structs import replace

from lambdas.transparency.checkpoint import Checkpoint, of_note, open_checkpoint
from lambdas.transparency.errors import LogConflictError, LogUnavailableError, NotInLogError
from lambdas.transparency.hashing import leaf_hash
from lambdas.transparency.index import AccountRuns, Head, Run
from lambdas.transparency.leaves import RestoredLeaf, encode_leaf
from lambdas.transparency.log_store import CHECKPOINT, Stored
from lambdas.transparency.memory import MemoryLogIndex, MemoryLogStore
from lambdas.transparency.proofs import verify_consistency, verify_inclusion
from lambdas.transparency.proving import Prover
from lambdas.transparency.tiles import TILE_TYPE, bundle_name
from lambdas.transparency.tlog_proof import TlogProof
from lambdas.transparency.tree import Frontier
from tests.support.built_log import KEY, ORIGIN, SIGNER, BuiltLog, built_log, leaf_at
from tests.support.log_signer import verifies

SIZES = (1, 2, 255, 256, 257, 513, 65_535, 65_536, 65_537, 70_000)


def prover(log: BuiltLog) -> Prover:
    return Prover(log.store, log.index)


def prove(log: BuiltLog, place: int, with_: Prover | None = None) -> TlogProof:
    leaf = leaf_at(place)
    return (with_ or prover(log)).proof(leaf.account_id, leaf.version)


def places(size: int) -> list[int]:
    return sorted({0, size // 2, size - 1, *random.Random(size).choices(range(size), k=5)})


def check(proof: TlogProof, place: int) -> Checkpoint:
    """As somebody does who has nothing but the proof and the log's key."""
    log = open_checkpoint(proof.checkpoint, KEY, verifies)
    assert (proof.index, proof.extra) == (place, encode_leaf(leaf_at(place)))
    verify_inclusion(leaf_hash(proof.extra), proof.index, log.size, proof.hashes, log.root)
    return log


@pytest.mark.parametrize("size", SIZES)
def test_proof_of_every_place_verifies(size: int) -> None:
    log = built_log(size, known=places(size))
    shared = prover(log)

    for place in places(size):
        assert check(prove(log, place, shared), place).size == size


def test_proof_in_an_older_log() -> None:
    log = built_log(300, 777)
    old = log.store.get("checkpoints/00000300")
    assert old is not None
    leaf = leaf_at(299)

    proof = prover(log).proof(leaf.account_id, leaf.version, checkpoint=old.content)

    assert check(proof, 299).size == 300
    newer = leaf_at(300)
    with pytest.raises(NotInLogError, match="300 entries"):
        prover(log).proof(newer.account_id, newer.version, checkpoint=old.content)


@pytest.mark.parametrize(("account", "version"), [("nobody", 1), (leaf_at(0).account_id, 11), ("log", 1)])
def test_what_is_not_in_the_log_has_no_proof(account: str, version: int) -> None:
    with pytest.raises(NotInLogError, match=f"Version {version} of account {account}"):
        prover(built_log(300)).proof(account, version)


def test_log_before_its_first_seal() -> None:
    empty = Prover(MemoryLogStore(), MemoryLogIndex())

    for asked in (empty.checkpoint, lambda: empty.proof("a", 1), lambda: empty.consistency(0)):
        with pytest.raises(NotInLogError, match="nothing was sealed"):
            asked()
    assert empty.head("a") is None


def test_log_of_a_seal_without_leaves() -> None:
    log = built_log(0)

    with pytest.raises(NotInLogError, match="0 entries"):
        prove(log, 0)
    assert prover(log).consistency(0).hashes == ()


def test_event_that_the_index_knows_before_the_checkpoint_does() -> None:
    log = built_log(300)
    newer = leaf_at(1_000)
    run = Run(1, 300, 1, 1, newer.hash)
    log.index.apply([AccountRuns(newer.account_id, None, (run,), Head(1, 300, newer.hash, 1))], seal=1)

    with pytest.raises(NotInLogError):
        prover(log).proof(newer.account_id, 1)


def test_head() -> None:
    log = built_log(25)
    newest = leaf_at(24)

    assert prover(log).head(newest.account_id) == Head(5, 24, newest.hash, 0)


def test_consistency_of_every_pair() -> None:
    sizes = (0, 1, 255, 256, 257, 700, 65_535, 65_536, 66_000)
    log = built_log(*sizes, known=[])
    for new in sizes:
        signed = log.store.get(f"checkpoints/{new:08}")
        assert signed is not None
        for old in (each for each in sizes if each <= new):
            kept = log.store.get(f"checkpoints/{old:08}")
            assert kept is not None
            proof = prover(log).consistency(old, checkpoint=signed.content)
            assert (proof.old_size, proof.checkpoint) == (old, signed.content)
            verify_consistency(old, of_note(kept.content).root, new, of_note(signed.content).root, proof.hashes)


@pytest.mark.parametrize("old", [-1, 301])
def test_no_log_of_this_size_was_there(old: int) -> None:
    with pytest.raises(NotInLogError, match=f"no earlier one of {old}"):
        prover(built_log(300)).consistency(old)


LIES = {
    "another leaf": Run(1, 20, 10, 0, bytes(32)),
    "another version": Run(1, 101, 9, 0, bytes(32)),
    "before the log": Run(1, -100, 200, 0, bytes(32)),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_index_is_not_believed(lie: Run) -> None:
    log = built_log(300)
    leaf = leaf_at(100)
    log.index.apply([AccountRuns(leaf.account_id, None, (lie,), Head(10, 109, leaf.hash, 0))], seal=0)

    with pytest.raises(LogConflictError):
        prove(log, 100)


def test_entry_of_a_restore_is_no_event() -> None:
    entry = encode_leaf(RestoredLeaf("a", 1, 1, "2026-03-01T12:00:00.000Z"))
    store, frontier, index = MemoryLogStore(), Frontier(), MemoryLogIndex()
    for write in (*frontier.append([entry]), *frontier.partials()):
        store.add(write.name, write.content, TILE_TYPE)
    store.add(CHECKPOINT, Checkpoint(ORIGIN, 1, frontier.root()).signed(SIGNER), "")
    index.apply([AccountRuns("a", None, (Run(1, 0, 1, 0, bytes(32)),), Head(1, 0, bytes(32), 0))], seal=0)

    with pytest.raises(LogConflictError, match="restored"):
        Prover(store, index).proof("a", 1)


class Recorded(MemoryLogStore):
    """The objects of a log, and the names of those that were asked for."""

    def __init__(self, log: BuiltLog) -> None:
        super().__init__()
        self._log = log
        self.asked: list[str] = []

    def get(self, name: str) -> Stored | None:
        self.asked.append(name)
        return self._log.store.get(name)


def objects_of_a_proof(log: BuiltLog, place: int) -> list[str]:
    """The names of what a proof is made of."""
    asked = Recorded(log)
    prove(replace(log, store=asked), place)
    return asked.asked


def test_any_hash_that_was_changed_shows() -> None:
    """No proof is given out; once the object is right again, it is. The last hash of each tile is part of the proof
    or of the root of which the proof is made."""
    log = built_log(70_000, known=[12_345])
    shared = prover(log)
    names = [name for name in objects_of_a_proof(log, 12_345) if "entries" not in name]
    assert len(names) == 5, "the checkpoint and four tiles"
    for name in names:
        stored = log.store.get(name)
        assert stored is not None
        root = b64encode(of_note(log.signed).root)
        at = stored.content.index(root) if name == CHECKPOINT else len(stored.content) - 1
        log.store.put(name, stored.content[:at] + bytes([stored.content[at] ^ 1]) + stored.content[at + 1 :])

        with pytest.raises(LogConflictError):
            prove(log, 12_345, prover(log))
        log.store.put(name, stored.content)
        check(prove(log, 12_345, shared), 12_345)


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"])
@pytest.mark.parametrize("old", [100, 256, 257, 299])
def test_log_that_did_not_only_grow_has_no_proof_of_it(name: str, old: int) -> None:
    log = built_log(300)
    shared = prover(log)
    stored = log.store.get(name)
    assert stored is not None
    for at in (0, len(stored.content) - 1):
        log.store.put(name, stored.content[:at] + bytes([stored.content[at] ^ 1]) + stored.content[at + 1 :])
        asked = Recorded(log)
        try:
            proof = Prover(asked, log.index).consistency(old)
        except LogConflictError:
            assert name in asked.asked
        else:
            assert name not in asked.asked, proof
    log.store.put(name, stored.content)

    assert shared.consistency(old).old_size == old


def test_what_did_not_fit_is_read_again() -> None:
    log = built_log(300)
    shared = prover(log)
    right = log.store.get("tile/0/000")
    assert right is not None
    log.store.put("tile/0/000", bytes(256 * 32))
    with pytest.raises(LogConflictError):
        prove(log, 100, shared)

    log.store.put("tile/0/000", right.content)

    check(prove(log, 100, shared), 100)


def test_entry_that_was_changed_shows() -> None:
    log = built_log(300)
    name = bundle_name(0, 256)
    stored = log.store.get(name)
    assert stored is not None
    other = encode_leaf(replace(leaf_at(100), hash=bytes(32)))
    log.store.put(name, stored.content.replace(encode_leaf(leaf_at(100)), other))

    with pytest.raises(LogConflictError, match="do not lead to its checkpoint"):
        prove(log, 100)


@pytest.mark.parametrize("name", [CHECKPOINT, bundle_name(0, 256)])
def test_object_that_is_none_of_a_log(name: str) -> None:
    log = built_log(300)
    log.store.put(name, b"\xff\xfe nothing")

    with pytest.raises(LogConflictError):
        prove(log, 100)


@pytest.mark.parametrize("name", ["tile/0/000", "tile/0/001.p/44", "tile/entries/000"])
def test_object_that_is_missing(name: str) -> None:
    log = built_log(300)
    log.store.remove(name)

    with pytest.raises(LogConflictError, match="missing"):
        prove(log, 100)


def test_log_out_of_reach() -> None:
    log = built_log(300)

    class Away(MemoryLogStore):
        def get(self, name: str) -> Stored | None:
            if name != CHECKPOINT:
                raise LogUnavailableError("away")
            return log.store.get(name)

    with pytest.raises(LogUnavailableError):
        prove(replace(log, store=Away()), 100)
