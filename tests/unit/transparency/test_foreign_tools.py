"""Tools that nobody here wrote read our logs from a plain copy on a disk: PyPI's aics-tlog and pymerkle.

They must take all that is right, at every size, and refuse all that is not, as ours do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import aics_tlog
import pymerkle
import pytest
from aics_tlog import FileSystemTileReader, TileMissingError, TileVerificationError

from lambdas.transparency import checkpoint, note, proofs
from lambdas.transparency.checkpoint import Checkpoint
from lambdas.transparency.errors import MalformedError, ProofError
from lambdas.transparency.hashing import leaf_hash
from tests.support.grown_log import GrownLog, built_at_once, copy_to, grown_one_by_one, some_entries
from tests.support.log_signer import SeededSigner, verifies
from tests.support.runs import runs, seeds

pytestmark = pytest.mark.thousands

LARGEST = 1_100
EVERY = 128
"""Up to this size there is a proof of every entry and every older log; beyond it of those at borders and some more."""

NAME = "daybook/test/log"
SIGNER = SeededSigner()
KEY = note.VerifierKey(NAME, SIGNER.public_key())
FOREIGN_KEY = aics_tlog.parse_vkey(note.vkey(*KEY))


@pytest.fixture(scope="module")
def log() -> GrownLog:
    return grown_one_by_one(some_entries(LARGEST))


@pytest.fixture(scope="module")
def copy(log: GrownLog, tmp_path_factory: pytest.TempPathFactory) -> FileSystemTileReader:
    return FileSystemTileReader(copy_to(log.store, tmp_path_factory.mktemp("log")))


@pytest.fixture(scope="module")
def merkle(log: GrownLog) -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    tree.append_entries(log.entries)
    return tree


def _sizes() -> list[int]:
    borders = [0, 1, 2, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025, LARGEST]
    return sorted({*borders, *range(0, LARGEST + 1, runs(check=97, test=1, soak=1))})


def _some_of(count: int, seed: int) -> list[int]:
    """All numbers below `count`, or those at borders and some more."""
    if count <= EVERY:
        return list(range(count))
    borders = {at for at in (0, 1, 255, 256, 257, 511, 512, 768, 1023, 1024, count - 2, count - 1) if at < count}
    return sorted(borders | set(random.Random(seed).sample(range(count), 10)))


def test_every_tile_and_every_bundle_of_every_size_is_theirs(log: GrownLog, copy: FileSystemTileReader) -> None:
    for size in _sizes():
        found = aics_tlog.audit_tiles(copy, size, log.roots[size])
        assert found.bundles == -(-size // 256)
        assert aics_tlog.tree_root_from_tiles(copy, size) == log.roots[size]


def test_the_root_of_every_size_is_theirs(log: GrownLog, merkle: pymerkle.InmemoryTree) -> None:
    assert [merkle.get_root(size) for size in range(LARGEST + 1)] == [log.roots[size] for size in range(LARGEST + 1)]


def test_proofs_of_inclusion_of_every_size_are_theirs(
    log: GrownLog, copy: FileSystemTileReader, merkle: pymerkle.InmemoryTree
) -> None:
    reader = log.reader()
    for size in _sizes():
        for index in _some_of(size, size):
            proof, leaf = proofs.inclusion(reader, index, size), leaf_hash(log.entries[index])
            assert aics_tlog.verify_inclusion(leaf, index, size, proof, log.roots[size])
            assert merkle.prove_inclusion(index + 1, size).path == [leaf, *proof]
            if size > EVERY:
                assert aics_tlog.inclusion_proof_from_tiles(copy, index, size) == proof
                assert aics_tlog.read_entry(copy, index, size) == log.entries[index]


def test_proofs_of_consistency_of_every_size_are_theirs(
    log: GrownLog, copy: FileSystemTileReader, merkle: pymerkle.InmemoryTree
) -> None:
    reader, roots = log.reader(), log.roots
    for size in _sizes():
        for old in [*_some_of(size, size), size]:
            proof = proofs.consistency(reader, old, size)
            assert aics_tlog.verify_consistency(old, size, roots[old], roots[size], proof)
            if size > EVERY:
                assert aics_tlog.consistency_proof_from_tiles(copy, old, size) == proof
            if old and size <= EVERY:
                merkle.prove_consistency(old, size).verify(roots[old], roots[size], old, size)


@pytest.mark.parametrize("seed", seeds(check=1, test=3, soak=30))
def test_large_logs_in_random_batches_are_theirs(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    size = runs(check=5_000, test=256_000, soak=256_000) + chance.randrange(70_000)
    entries = some_entries(size, seed=seed, longest=20)
    log = GrownLog()
    while log.size < size:
        log.grow(entries[log.size : log.size + chance.choice([1, 255, 256, 65_536, chance.randrange(90_000)])])
    assert log.roots[size] == built_at_once(entries).roots[size]
    copy = FileSystemTileReader(copy_to(log.store, tmp_path))
    assert (tmp_path / "tile/0/x001/000").is_file() == (size > 256_256)
    roots, reader = log.roots, log.reader()
    assert aics_tlog.audit_tiles(copy, size, roots[size]).bundles == -(-size // 256)
    for old in roots:
        proof = proofs.consistency(reader, old, size)
        assert aics_tlog.verify_consistency(old, size, roots[old], roots[size], proof)
        assert aics_tlog.consistency_proof_from_tiles(copy, old, size) == proof
    for index in chance.sample(range(size), 200):
        proof = proofs.inclusion(reader, index, size)
        assert aics_tlog.verify_leaf_inclusion(entries[index], index, size, proof, roots[size])


def _one_byte_off(content: bytes) -> Iterator[tuple[int, bytes]]:
    for at in range(0, len(content), runs(check=41, test=1, soak=1)):
        yield at, content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :]


def test_one_byte_off_anywhere_in_tiles_and_bundles_is_found(tmp_path: Path) -> None:
    log = built_at_once(some_entries(258, longest=2))
    folder = copy_to(log.store, tmp_path)
    copy = FileSystemTileReader(folder)
    for name, (content, _) in log.store.contents().items():
        for at, changed in _one_byte_off(content):
            (folder / name).write_bytes(changed)
            assert _found_wrong(copy, log), f"byte {at} of {name} is another one"
        (folder / name).unlink()
        assert _found_wrong(copy, log), f"{name} is gone"
        (folder / name).write_bytes(content)
    assert not _found_wrong(copy, log)


def _found_wrong(copy: FileSystemTileReader, log: GrownLog) -> bool:
    try:
        aics_tlog.audit_tiles(copy, log.size, log.roots[log.size])
    except (TileVerificationError, TileMissingError):
        return True
    return False


class TestVerdicts:
    """Ours and theirs on one thing."""

    @staticmethod
    def _inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
        try:
            proofs.verify_inclusion(leaf, index, size, proof, root)
            found = True
        except ProofError:
            found = False
        assert found == aics_tlog.verify_inclusion(leaf, index, size, proof, root)
        return found

    @staticmethod
    def _consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
        try:
            proofs.verify_consistency(old, old_root, new, new_root, proof)
            found = True
        except ProofError:
            found = False
        assert found == aics_tlog.verify_consistency(old, new, old_root, new_root, proof)
        return found

    @pytest.mark.parametrize("seed", seeds(check=30, test=500, soak=10_000))
    def test_a_proof_of_inclusion_with_something_wrong(self, log: GrownLog, seed: int) -> None:
        chance = random.Random(seed)
        size = chance.randrange(1, chance.choice([9, LARGEST + 1]))
        index = chance.randrange(size)
        proof, leaf = proofs.inclusion(log.reader(), index, size), leaf_hash(log.entries[index])
        assert self._inclusion(leaf, index, size, proof, log.roots[size])
        for at, step in enumerate(proof):
            where, bit = chance.randrange(32), 1 << chance.randrange(8)
            other = step[:where] + bytes([step[where] ^ bit]) + step[where + 1 :]
            assert not self._inclusion(leaf, index, size, [*proof[:at], other, *proof[at + 1 :]], log.roots[size])
            self._inclusion(leaf, index, size, proof[:at] + proof[at + 1 :], log.roots[size])
            self._inclusion(leaf, index, size, [*proof[:at], step, *proof[at:]], log.roots[size])
        for other_index in (index - 1, index + 1, chance.randrange(-1, size + 2)):
            assert self._inclusion(leaf, other_index, size, proof, log.roots[size]) == (other_index == index)
        for other_size in (size - 1, size + 1, chance.randrange(LARGEST + 1)):
            self._inclusion(leaf, index, other_size, proof, log.roots[size])
            self._inclusion(leaf, index, other_size, proof, log.roots[other_size])

    @pytest.mark.parametrize("seed", seeds(check=30, test=500, soak=10_000))
    def test_a_proof_of_consistency_with_something_wrong(self, log: GrownLog, seed: int) -> None:
        chance, roots = random.Random(seed), log.roots
        new = chance.randrange(chance.choice([9, LARGEST + 1]))
        old = chance.randrange(new + 1)
        proof = proofs.consistency(log.reader(), old, new)
        assert self._consistency(old, roots[old], new, roots[new], proof)
        for at, step in enumerate(proof):
            where, bit = chance.randrange(32), 1 << chance.randrange(8)
            other = step[:where] + bytes([step[where] ^ bit]) + step[where + 1 :]
            assert not self._consistency(old, roots[old], new, roots[new], [*proof[:at], other, *proof[at + 1 :]])
            self._consistency(old, roots[old], new, roots[new], proof[:at] + proof[at + 1 :])
            self._consistency(old, roots[old], new, roots[new], [*proof[:at], step, *proof[at:]])
        for one, other_size in ((old - 1, new), (old + 1, new), (old, new + 1), (new, old), (chance.randrange(9), 9)):
            self._consistency(one, roots.get(one, b""), other_size, roots.get(other_size, roots[new]), proof)
            self._consistency(one, roots[old], other_size, roots[new], proof)


def _opens(signed: bytes) -> bool:
    try:
        checkpoint.open_checkpoint(signed, KEY, verifies)
    except (MalformedError, ProofError):
        return False
    return True


def _opens_for_them(signed: bytes) -> bool:
    try:
        return aics_tlog.verify_checkpoint(aics_tlog.parse_note(signed), FOREIGN_KEY, expected_origin=NAME).ok
    except ValueError:
        return False


def test_checkpoints_of_every_size_are_theirs_byte_for_byte(log: GrownLog) -> None:
    for size in _sizes():
        ours = Checkpoint(NAME, size, log.roots[size])
        signed = ours.signed(SIGNER)
        theirs = aics_tlog.sign_checkpoint(aics_tlog.Checkpoint(NAME, size, log.roots[size]), SIGNER._key, NAME)
        assert theirs.to_bytes() == signed
        assert _opens(signed)
        assert _opens_for_them(signed)


def test_a_key_is_written_as_they_write_it() -> None:
    assert aics_tlog.format_vkey(FOREIGN_KEY) == note.vkey(*KEY)
    assert aics_tlog.key_hash(NAME, 1, SIGNER.public_key()) == KEY.key_id


def test_one_byte_off_anywhere_in_a_checkpoint_is_refused_by_both(log: GrownLog) -> None:
    signed = Checkpoint(NAME, LARGEST, log.roots[LARGEST]).signed(SIGNER)
    for at in range(len(signed)):
        for bit in range(8):
            changed = signed[:at] + bytes([signed[at] ^ (1 << bit)]) + signed[at + 1 :]
            assert (_opens(changed), _opens_for_them(changed)) == (False, False), changed
