"""Proofs of inclusion and of consistency: every right one verifies, and nothing else does."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.transparency import proofs
from lambdas.transparency.errors import ProofError
from lambdas.transparency.hashing import leaf_hash
from lambdas.transparency.memory import MemoryLogStore
from lambdas.transparency.tile_reader import TileReader
from tests.support.grown_log import GrownLog, grown_one_by_one, some_entries

SIZE = 300
OTHER = b"\x5a" * 32


@pytest.fixture(scope="module")
def log() -> GrownLog:
    return grown_one_by_one(some_entries(SIZE))


@pytest.fixture(scope="module")
def reader(log: GrownLog) -> TileReader:
    return log.reader()


@pytest.mark.parametrize("size", [*range(1, 34), 64, 255, 256, 257, 300])
def test_every_entry_is_proved_in_every_log_that_holds_it(log: GrownLog, reader: TileReader, size: int) -> None:
    for index in range(size):
        proof = proofs.inclusion(reader, index, size)
        assert len(proof) <= (size - 1).bit_length()
        proofs.verify_inclusion(leaf_hash(log.entries[index]), index, size, proof, log.roots[size])


@pytest.mark.parametrize("size", [*range(1, 34), 64, 255, 256, 257, 300])
def test_every_log_begins_with_every_smaller_one(log: GrownLog, reader: TileReader, size: int) -> None:
    for old in range(size + 1):
        proof = proofs.consistency(reader, old, size)
        proofs.verify_consistency(old, log.roots[old], size, log.roots[size], proof)
        assert bool(proof) == (old not in {0, size})


@given(st.data())
def test_a_proof_proves_nothing_else(log: GrownLog, reader: TileReader, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, SIZE))
    index = data.draw(st.integers(0, size - 1))
    proof = proofs.inclusion(reader, index, size)
    leaf, root = leaf_hash(log.entries[index]), log.roots[size]
    wrong = [
        (leaf, (index + 1) % size if size > 1 else 1, size, proof, root),
        (leaf, index, size, proof, OTHER),
        (OTHER, index, size, proof, root),
        (leaf, index, size, [*proof, OTHER], root),
        (leaf, index, size, [*proof, proof[-1]] if proof else [root], root),
        (leaf, index, size, [OTHER, *proof], root),
        (leaf, -1, size, proof, root),
        (leaf, size, size, proof, root),
    ]
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        wrong += [
            (leaf, index, size, proof[:-1], root),
            (leaf, index, size, proof[:at] + proof[at + 1 :], root),
            (leaf, index, size, [*proof[:at], OTHER, *proof[at + 1 :]], root),
            (leaf, index, size, [*proof[:at], proof[at][:31], *proof[at + 1 :]], root),
        ]
    for each in wrong:
        with pytest.raises(ProofError):
            proofs.verify_inclusion(*each)


@given(st.data())
def test_a_log_that_changed_an_entry_is_not_consistent(log: GrownLog, reader: TileReader, data: st.DataObject) -> None:
    new = data.draw(st.integers(2, SIZE))
    old = data.draw(st.integers(1, new - 1))
    proof = proofs.consistency(reader, old, new)
    roots = log.roots
    at = data.draw(st.integers(0, len(proof) - 1))
    wrong = [
        (old, OTHER, new, roots[new], proof),
        (old, roots[old], new, OTHER, proof),
        (old, roots[old - 1], new, roots[new], proof),
        (old, roots[old], new, roots[new], [*proof, OTHER]),
        (old, roots[old], new, roots[new], proof[:-1]),
        (old, roots[old], new, roots[new], [*proof[:at], OTHER, *proof[at + 1 :]]),
        (old, roots[old], new, roots[new], [*proof[:at], proof[at][:31], *proof[at + 1 :]]),
        (old, roots[old], new, roots[new], []),
        (new, roots[new], old, roots[old], proof),
        (new, roots[new], new, roots[new], proof),
        (0, roots[0], new, roots[new], proof),
    ]
    for each in wrong:
        with pytest.raises(ProofError):
            proofs.verify_consistency(*each)


def test_a_proof_is_of_one_size_although_the_hashes_would_lead_to_the_root(log: GrownLog, reader: TileReader) -> None:
    leaf, proof, root = leaf_hash(log.entries[1]), proofs.inclusion(reader, 1, 2), log.roots[2]
    with pytest.raises(ProofError, match="too long"):
        proofs.verify_inclusion(leaf, 0, 1, proof, root)
    leaf, proof, root = leaf_hash(log.entries[0]), proofs.inclusion(reader, 0, 2), log.roots[2]
    with pytest.raises(ProofError, match="too short"):
        proofs.verify_inclusion(leaf, 0, 4, proof, root)
    proof = proofs.consistency(reader, 1, 2)
    with pytest.raises(ProofError, match="too short"):
        proofs.verify_consistency(1, log.roots[1], 4, log.roots[2], proof)
    proof = proofs.consistency(reader, 2, 4)
    with pytest.raises(ProofError, match="too long"):
        proofs.verify_consistency(2, log.roots[2], 3, log.roots[4], [*proof, OTHER])


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_hash_of_another_length_is_named(log: GrownLog, size: int) -> None:
    with pytest.raises(ProofError, match="not 32 bytes"):
        proofs.verify_inclusion(OTHER, 0, 2, [b"x" * size], OTHER)
    with pytest.raises(ProofError, match="not 32 bytes"):
        proofs.verify_consistency(1, OTHER, 2, OTHER, [b"x" * size])


def test_sizes_without_a_proof_must_have_one_root(log: GrownLog) -> None:
    proofs.verify_consistency(0, log.roots[0], 0, log.roots[0], [])
    proofs.verify_consistency(0, log.roots[0], 5, log.roots[5], [])
    proofs.verify_consistency(5, log.roots[5], 5, log.roots[5], [])
    for old, old_root, new, new_root in [
        (0, OTHER, 5, log.roots[5]),
        (5, log.roots[5], 5, OTHER),
        (0, OTHER, 0, OTHER),
    ]:
        with pytest.raises(ProofError, match="root"):
            proofs.verify_consistency(old, old_root, new, new_root, [])


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_there_is_no_proof_of_an_entry_that_is_not_there(reader: TileReader, index: int, size: int) -> None:
    with pytest.raises(ProofError, match="has no entry"):
        proofs.inclusion(reader, index, size)
    with pytest.raises(ProofError, match="has no entry"):
        proofs.verify_inclusion(OTHER, index, size, [], OTHER)


@pytest.mark.parametrize(("old", "new"), [(-1, 5), (6, 5)])
def test_there_is_no_proof_of_an_older_log_that_is_larger(reader: TileReader, old: int, new: int) -> None:
    with pytest.raises(ProofError, match="does not begin with"):
        proofs.consistency(reader, old, new)


def test_the_tiles_of_a_proof_are_known_before_they_are_read(log: GrownLog) -> None:
    chance = random.Random(1)
    for _ in range(50):
        size = chance.randrange(2, SIZE + 1)
        index, old = chance.randrange(size), chance.randrange(1, size)
        for spans in (proofs.inclusion_spans(index, size), proofs.consistency_spans(old, size)):
            reader = log.reader()
            tiles = proofs.tiles_of_proof(spans, size)
            assert len(set(tiles)) == len(tiles)
            for tile in tiles:
                reader.tile(tile)
            reader._store = MemoryLogStore()  # whatever else is asked for, is not there
            assert all(reader.root(span.first, span.last, size) for span in spans)
