"""Whatever happens between seals: the log only grows, every proof holds from then on, and in the end all that stands
in the event table stands in the log."""

from __future__ import annotations

import random
from base64 import b64decode
from collections.abc import Callable
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.transparency import checkpoint, proofs
from lambdas.transparency.hashing import leaf_hash
from lambdas.transparency.leaves import RestoredLeaf, RowLeaf, decode_leaf, encode_leaf
from lambdas.transparency.seal import SEAL_LEAVES
from lambdas.transparency.tile_reader import TileReader
from lambdas.transparency.tlog_proof import TlogProof
from tests.support.log_signer import verifies
from tests.support.runs import seeds
from tests.support.sealing_world import SealingWorld, standing_rows

Step: TypeAlias = Callable[[SealingWorld], object]

ACCOUNTS = st.sampled_from(["a", "a", "b"])


def _book(account_id: str, events: int) -> Step:
    return lambda world: world.book(account_id, events=events)


def _book_with_a_hole(account_id: str, late: int, events: int) -> Step:
    def step(world: SealingWorld) -> None:
        world.book(account_id, events=late, arrive=False)
        world.book(account_id, events=events)

    return step


def _restore(account_id: str, back: int, events: int) -> Step:
    def step(world: SealingWorld) -> None:
        if account_id in world.history:
            world.restore(account_id, max(0, len(world.history[account_id]) - back))
            world.book(account_id, events=events)

    return step


def _deliver_again(account_id: str) -> Step:
    return lambda world: world.deliver_again(account_id)


def _pass(hours: int) -> Step:
    return lambda world: world.pass_time(hours=hours)


def _seal(world: SealingWorld) -> None:
    world.seal()


def _deliver(world: SealingWorld) -> None:
    world.deliver()


def _rebuild_index(world: SealingWorld) -> None:
    if world.index.progress():
        world.sealer.rebuild_index()


STEPS: st.SearchStrategy[Step] = st.one_of(
    st.just(_seal),
    st.builds(_book, ACCOUNTS, st.sampled_from([1, 2, 3, 3, 9, 300])),
    st.just(_seal),
    st.builds(_book_with_a_hole, ACCOUNTS, st.integers(1, 3), st.integers(1, 3)),
    st.just(_seal),
    st.builds(_restore, ACCOUNTS, st.sampled_from([1, 2, 3, 400]), st.integers(0, 2)),
    st.sampled_from([_deliver, _deliver, _rebuild_index]),
    st.builds(_deliver_again, ACCOUNTS),
    st.builds(_pass, st.sampled_from([1, 30, 9_000])),
)


@given(st.lists(STEPS, min_size=8, max_size=40), st.sampled_from([SEAL_LEAVES, SEAL_LEAVES, 2, 256]))
def test_any_sequence_of_seals(steps: list[Step], seal_leaves: int) -> None:
    _seal_and_prove(steps, seal_leaves)


@pytest.mark.thousands
@pytest.mark.parametrize("seed", seeds(check=60, test=300, soak=10_000))
def test_long_sequences_of_seals(seed: int) -> None:
    """Longer than what Hypothesis makes, and with more that belongs together."""
    chance = random.Random(seed)

    def step() -> Step:
        account_id, few = chance.choice("aab"), chance.randrange(1, 4)
        return chance.choice(
            [
                *(_seal, _seal, _seal, _deliver, _rebuild_index, _pass(30), _deliver_again(account_id)),
                *(_book(account_id, few), _restore(account_id, few, chance.randrange(4))),
                *(_book_with_a_hole(account_id, few, 1), _book_with_a_hole(account_id, 1, few)),
            ]
        )

    _seal_and_prove([step() for _ in range(chance.randrange(10, 60))], chance.choice([SEAL_LEAVES, 3, 16]))


def _seal_and_prove(steps: list[Step], seal_leaves: int) -> None:
    world = SealingWorld(seal_leaves=seal_leaves)
    proved: list[TlogProof] = []
    for step in steps:
        step(world)
        if step is _seal:
            proved += _proofs_of_what_stands(world)
    world.deliver()
    last = world.seal()
    assert (last.holes, last.forks) == ((), ())
    proved += _proofs_of_what_stands(world)
    _the_log_only_grew(world)
    _every_proof_holds_from_then_on(world, proved)
    _all_that_stands_in_the_table_stands_in_the_log(world)


def _proofs_of_what_stands(world: SealingWorld) -> list[TlogProof]:
    """Of the first, the newest and one more version of each account."""
    prover, found = world.prover(), []
    for account_id in world.history:
        head = prover.head(account_id)
        if head and head.version:
            versions = {1, head.version, head.version // 2 + 1}
            found += [prover.proof(account_id, version) for version in sorted(versions)]
    return found


def _the_log_only_grew(world: SealingWorld) -> None:
    """Every old checkpoint is consistent with every newer one; of more than twenty each with its next and the last."""
    prover = world.prover()
    known = [(checkpoint.open_checkpoint(signed, world.key, verifies), signed) for signed in world.checkpoints]
    assert [each.size for each, _ in known] == sorted(each.size for each, _ in known)
    for at, (old, _) in enumerate(known):
        newer = known[at:] if len(known) <= 20 else [*known[at : at + 2], known[-1]]
        for new, signed in newer:
            proof = prover.consistency(old.size, checkpoint=signed)
            proofs.verify_consistency(old.size, old.root, new.size, new.root, proof.hashes)


def _every_proof_holds_from_then_on(world: SealingWorld, proved: list[TlogProof]) -> None:
    """The same entry is proved against every checkpoint from its size on, and what was given out still verifies."""
    reader = TileReader(world.store)
    logs = [checkpoint.open_checkpoint(signed, world.key, verifies) for signed in world.checkpoints]
    for given_out in proved:
        leaf = leaf_hash(given_out.extra)
        log = checkpoint.open_checkpoint(given_out.checkpoint, world.key, verifies)
        proofs.verify_inclusion(leaf, given_out.index, log.size, given_out.hashes, log.root)
        for each in logs if len(logs) <= 20 else [*logs[:3], *logs[-3:]]:
            if each.size > given_out.index:
                again = proofs.inclusion(reader, given_out.index, each.size)
                proofs.verify_inclusion(leaf, given_out.index, each.size, again, each.root)


def _all_that_stands_in_the_table_stands_in_the_log(world: SealingWorld) -> None:
    """Read from the entries alone: each account's versions without a hole, cut where a restore says so."""
    size = checkpoint.of_note(world.checkpoints[-1]).size
    reader, standing = TileReader(world.store), dict[str, list[bytes]]()
    for index in range(size):
        leaf = decode_leaf(reader.entry(index, size))
        assert encode_leaf(leaf) == reader.entry(index, size)
        rows = standing.setdefault(leaf.account_id, [])
        if isinstance(leaf, RestoredLeaf):
            del rows[leaf.last_good_version :]
        else:
            assert isinstance(leaf, RowLeaf)
            rows.append(leaf.hash)
            assert leaf.version == len(rows)
    table: dict[str, list[bytes]] = {}
    for account_id, row in standing_rows(world):
        table.setdefault(account_id, []).append(b64decode(row.hash))
    assert {account_id: rows for account_id, rows in standing.items() if rows} == table
    heads = world.index.heads(list(table))
    assert {account_id: heads[account_id].version for account_id in table} == {
        account_id: len(rows) for account_id, rows in table.items()
    }
