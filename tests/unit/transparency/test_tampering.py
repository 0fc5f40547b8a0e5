"""Somebody who can write into the log's bucket or its index changes one thing: who finds it, and what is named.

`verified` is `daybook verify --all`, `sealed` the next run of the sealer (`daybook seal`), `checked` is
`tools/verify_proof.py log` with a copy of the bucket and the key. All that the sealer has written once it does not read
again; so it finds only what it goes on from, and what it compares the lake with.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from lambdas.transparency import note
from lambdas.transparency.checkpoint import Checkpoint, of_note
from lambdas.transparency.errors import LogConflictError, NotInLogError
from lambdas.transparency.index import AccountRuns, Head, Progress
from lambdas.transparency.memory import MemoryLogStore
from lambdas.transparency.texts import base64_text
from lambdas.transparency.tile_reader import TileReader
from lambdas.transparency.tiles import entries_of, framed
from lambdas.transparency.tree import Frontier
from tests.support.log_signer import SeededSigner
from tests.support.runs import runs
from tests.support.sealing_world import SealingWorld
from tests.support.tampered_log import byte_off, checked_copy, edit, sealed, sealed_world, swap, verified
from tools import verify_proof

Tamper = Callable[[MemoryLogStore], object]

NEWEST, OLD = 3, 1
"""Numbers of seals in `sealed_world`."""


def _edited(name: str, at: int) -> Tamper:
    return lambda store: edit(store, name, lambda content: byte_off(content, at))


def _cut(name: str) -> Tamper:
    return lambda store: edit(store, name, lambda content: content[:-1])


def _longer(name: str) -> Tamper:
    return lambda store: edit(store, name, lambda content: content + content[-1:])


def _deleted(name: str) -> Tamper:
    return lambda store: store.remove(name)


def _lines_swapped(name: str) -> Tamper:
    def change(content: bytes) -> bytes:
        first, *lines = content.splitlines(keepends=True)
        return b"".join([first, *lines[:-2], lines[-1], lines[-2]])

    return lambda store: edit(store, name, change)


def _line_inserted(name: str) -> Tamper:
    def change(content: bytes) -> bytes:
        head, _, rest = content.partition(b"\n")
        more = re.sub(rb'"leaves":(\d+)', lambda found: b'"leaves":%d' % (int(found[1]) + 1), head)
        return more + b"\n" + rest + b"z/1 " + rest.rsplit(b" ", 1)[1]

    return lambda store: edit(store, name, change)


def _line_deleted(name: str) -> Tamper:
    def change(content: bytes) -> bytes:
        head, *lines = content.splitlines(keepends=True)
        fewer = re.sub(rb'"leaves":(\d+)', lambda found: b'"leaves":%d' % (int(found[1]) - 1), head)
        return fewer + b"".join(lines[:-1])

    return lambda store: edit(store, name, change)


def _hashes_swapped(name: str) -> Tamper:
    return lambda store: edit(store, name, lambda content: content[32:64] + content[:32] + content[64:])


def _entries_swapped(name: str) -> Tamper:
    def change(content: bytes) -> bytes:
        first, second, *rest = entries_of(content)
        return b"".join(map(framed, [second, first, *rest]))

    return lambda store: edit(store, name, change)


FULL_TILE, FULL_BUNDLE = "tile/0/000", "tile/entries/000"
EDGE_TILE, EDGE_BUNDLE, UPPER_TILE = "tile/0/001.p/63", "tile/entries/001.p/63", "tile/1/000.p/1"
OLD_TILE, OLD_BUNDLE = "tile/0/001.p/56", "tile/entries/001.p/56"
OLD_SEAL, NEWEST_SEAL = f"seal/{OLD:08}", f"seal/{NEWEST:08}"
OLD_CHECKPOINT, NEWEST_CHECKPOINT = f"checkpoints/{OLD:08}", f"checkpoints/{NEWEST:08}"
OBJECTS = [
    "seal/00000000", OLD_SEAL, NEWEST_SEAL, FULL_TILE, EDGE_TILE, UPPER_TILE, OLD_TILE, FULL_BUNDLE, EDGE_BUNDLE,
    OLD_BUNDLE, OLD_CHECKPOINT, NEWEST_CHECKPOINT, "checkpoint",
]  # fmt: skip

CELLS: list[tuple[str, str, Tamper]] = [
    *((f"{name}, first byte off", name, _edited(name, 0)) for name in OBJECTS),
    *((f"{name}, byte off in its middle", name, _edited(name, -45)) for name in OBJECTS),
    *((f"{name}, last byte off", name, _edited(name, -1)) for name in OBJECTS),
    *((f"{name}, cut", name, _cut(name)) for name in OBJECTS),
    *((f"{name}, longer", name, _longer(name)) for name in OBJECTS),
    *((f"{name}, deleted", name, _deleted(name)) for name in OBJECTS),
    *((f"{name}, leaves swapped", name, _lines_swapped(name)) for name in (OLD_SEAL, NEWEST_SEAL)),
    *((f"{name}, leaf inserted", name, _line_inserted(name)) for name in (OLD_SEAL, NEWEST_SEAL)),
    *((f"{name}, leaf deleted", name, _line_deleted(name)) for name in (OLD_SEAL, NEWEST_SEAL)),
    *((f"{name}, hashes swapped", name, _hashes_swapped(name)) for name in (FULL_TILE, EDGE_TILE, OLD_TILE)),
    *((f"{name}, entries swapped", name, _entries_swapped(name)) for name in (FULL_BUNDLE, EDGE_BUNDLE, OLD_BUNDLE)),
    ("seals swapped", OLD_SEAL, lambda store: swap(store, OLD_SEAL, NEWEST_SEAL)),
    ("tiles swapped", EDGE_TILE, lambda store: swap(store, OLD_TILE, EDGE_TILE)),
    ("bundles swapped", EDGE_BUNDLE, lambda store: swap(store, OLD_BUNDLE, EDGE_BUNDLE)),
    ("checkpoints swapped", OLD_CHECKPOINT, lambda store: swap(store, OLD_CHECKPOINT, NEWEST_CHECKPOINT)),
    ("an older checkpoint as the newest", "checkpoint", lambda store: swap(store, "checkpoint", OLD_CHECKPOINT)),
][:: runs(check=7, test=1, soak=1)]
"""What is done to one object of the log: its name, the object, and how."""

cells = pytest.mark.parametrize(("where", "tamper"), [pytest.param(*cell[1:], id=cell[0]) for cell in CELLS])


STARTING_POINT = {NEWEST_SEAL, EDGE_TILE, EDGE_BUNDLE, UPPER_TILE, NEWEST_CHECKPOINT, "checkpoint"}
"""What the next seal goes on from."""


def _places(where: str) -> list[str]:
    """What may be named: the object, or what was compared with it. Tiles, bundles and roots follow from a seal; if a
    seal is longer or shorter, the next one does not begin where it ends; the newest checkpoint stands twice."""
    number = where.rpartition("/")[2]
    if where.startswith("seal/"):
        return [where, f"checkpoints/{number}", "tile/", "seal/00000002", NEWEST_SEAL, "the checkpoint of 319 entries"]
    return ["checkpoint"] if where in {"checkpoint", NEWEST_CHECKPOINT} else [where, *OTHERS.get(where, [])]


OTHERS = {EDGE_TILE: [OLD_TILE], EDGE_BUNDLE: [OLD_BUNDLE]}
"""With what an object is swapped, if that comes first."""


@cells
def test_the_verification_finds_it(where: str, tamper: Tamper) -> None:
    world = sealed_world()
    tamper(world.store)
    found = verified(world)
    assert found
    assert any(place in found[0] for place in _places(where)), found


@cells
def test_whoever_has_a_copy_finds_it(where: str, tamper: Tamper, tmp_path: Path) -> None:
    world = sealed_world()
    key = world.key
    tamper(world.store)
    found = checked_copy(world, tmp_path, key=key)
    if where in {OLD_TILE, OLD_BUNDLE} and where not in world.store.contents():
        assert found.startswith("yes: "), "a copy may lack partial tiles of older sizes: tlog-tiles, Partial Tiles"
        return
    assert found.startswith("no: ")
    assert any(place in found for place in _places(where)), found


@cells
def test_the_sealer_signs_nothing_that_does_not_go_on_from_what_was_signed(where: str, tamper: Tamper) -> None:
    """It stops, or what it signs is consistent with all that was signed before."""
    world = sealed_world()
    before = [of_note(signed) for signed in world.checkpoints]
    tamper(world.store)
    found = sealed(world)
    if where in STARTING_POINT and where != NEWEST_SEAL:
        assert found
        assert any(place.partition(".p/")[0] in found[0] or place in found[0] for place in ALSO.get(where, [where]))
    if not found:
        after = Frontier.read(TileReader(world.store), of_note(world.checkpoints[-1]).size)
        assert of_note(world.checkpoints[-1]).root == after.root()
        reference = sealed_world()
        sealed(reference)
        assert after.root() == of_note(reference.checkpoints[-1]).root
        assert [each.root for each in before] == [of_note(each).root for each in reference.checkpoints[:-1]]


ALSO = {
    EDGE_TILE: [EDGE_TILE, EDGE_BUNDLE, "leaf 256"],
    EDGE_BUNDLE: [EDGE_BUNDLE],
    UPPER_TILE: [UPPER_TILE, "tiles of size 319"],
    NEWEST_CHECKPOINT: [NEWEST_CHECKPOINT, "seal 3 is done"],
}


def test_of_a_log_as_it_is_nobody_finds_anything(tmp_path: Path) -> None:
    world = sealed_world()
    assert verified(world) == []
    assert sealed(world) == []
    assert verified(world) == []
    assert checked_copy(world, tmp_path).startswith("yes: all 321 entries in 5 seals")


class TestIndex:
    """The index says where to look. Whoever changes it hides nothing: it is made again from the seals."""

    @staticmethod
    def _run_of_a(world: SealingWorld) -> None:
        """The run with a/300 says that it begins a place further on."""
        run = world.index.run_of("a", 300)
        head = world.index.heads(["a"])["a"]
        assert run
        moved = replace(run, first_leaf=run.first_leaf + 1)
        world.index.apply([AccountRuns("a", None, (moved,), head)], seal=head.seal)

    def test_a_run_that_points_elsewhere_gives_no_proof(self) -> None:
        world = sealed_world()
        self._run_of_a(world)
        with pytest.raises(LogConflictError, match="the index says that version 300 of account a is entry"):
            world.prover().proof("a", 300)
        assert world.prover().proof("a", 299)

    def test_a_run_that_points_elsewhere_stops_the_sealer(self) -> None:
        world = sealed_world()
        self._run_of_a(world)
        [found] = sealed(world)
        assert re.search(r"the index says that a/\d+ is leaf \d+, and there stands", found)

    def test_a_deleted_run_gives_no_proof_and_stops_the_sealer(self) -> None:
        world = sealed_world()
        del world.index._runs["a"][300]
        with pytest.raises(NotInLogError):
            world.prover().proof("a", 300)
        [found] = sealed(world)
        assert "the index lacks a/300" in found

    @pytest.mark.parametrize("version", [1, 304])
    def test_a_head_that_was_set_back_stops_the_sealer(self, version: int) -> None:
        """Else what was sealed already would be sealed once more."""
        world = sealed_world()
        head = world.index.heads(["a"])["a"]
        world.index._heads["a"] = Head(version, version - 1, b"other".ljust(32), head.seal)
        [found] = sealed(world)
        assert re.search(r"a/\d+", found)

    def test_a_head_with_another_hash_makes_a_fork_at_its_version(self) -> None:
        world = sealed_world()
        world.index._heads["a"] = replace(world.index._heads["a"], hash=bytes(32))
        assert sealed(world) == ["a/305 forks"]

    def test_progress_that_was_set_back_is_made_again(self) -> None:
        world = sealed_world()
        before = world.index.contents()
        world.index._progress = Progress(1, 312)
        assert sealed(world) == []
        assert verified(world) == []
        assert world.index.contents() != before

    def test_progress_that_ran_ahead_stops_the_sealer(self) -> None:
        world = sealed_world()
        world.index._progress = Progress(9, 1_000)
        [found] = sealed(world)
        assert "says that seal 9 is done" in found
        assert "seal 9 is done" in verified(world)[0]

    def test_all_of_it_is_made_again_from_the_seals(self) -> None:
        world = sealed_world()
        before = world.index.contents()
        self._run_of_a(world)
        del world.index._heads["b"]
        world.sealer.rebuild_index()
        assert world.index.contents() == before


class TestLate:
    """A rewritten history that is to be sealed in the place of the right one."""

    def test_a_version_that_is_sealed_cannot_be_sealed_once_more(self) -> None:
        world = sealed_world()
        world.forge("a", 7)
        assert sealed(world) == ["a/7 forks"]
        assert verified(world) == []
        assert world.prover().head("a") == world.index.heads(["a"])["a"]
        assert world.index.heads(["a"])["a"].version == 305, "the account is held"
        assert world.index.heads(["d"])["d"].version == 1, "and the others go on"

    def test_of_two_hashes_of_a_new_version_none_is_sealed(self) -> None:
        world = sealed_world()
        world.forge("a", 306)
        assert sealed(world) == ["a/306 forks"]

    def test_a_seal_that_somebody_else_decided_is_signed_and_found_when_the_lake_says_otherwise(self) -> None:
        """Who may write into the bucket can decide the next seal. It goes on from what was signed, so nothing that
        was sealed changes; what it says of new versions differs from the lake, and the account is held."""
        world = sealed_world()
        content = world.store.contents()[NEWEST_SEAL][0]
        head, *_ = content.splitlines(keepends=True)
        forged = re.sub(rb'"seal":3,"first_leaf":315,"leaves":4', b'"seal":4,"first_leaf":319,"leaves":1', head)
        world.store.put("seal/00000004", forged + b"a/306 " + base64_text(b"f" * 32).encode() + b"\n")
        assert sealed(world) == ["a/306 forks"]

    def test_no_seal_makes_the_sealer_look_from_a_later_day_on(self) -> None:
        """The tree does not hold a seal's first line: with a day that is yet to come, nothing would be sealed any more,
        and no run would say so."""
        world = sealed_world()
        edit(world.store, NEWEST_SEAL, lambda content: re.sub(rb'(next_from_dt":")[^"]*', rb"\g<1>9999", content))
        for found in (sealed(world), verified(world)):
            assert [NEWEST_SEAL in each for each in found] == [True]

    def test_a_seal_looks_from_the_day_on_that_the_one_before_says(self) -> None:
        world = sealed_world()
        edit(world.store, OLD_SEAL, lambda content: re.sub(rb'(next_from_dt":")[^"]*', rb"\g<1>0001", content))
        assert verified(world) == [f"seal/{OLD + 1:08} does not follow from the seals before it"]

    def test_a_seal_that_somebody_else_decided_may_not_repeat_a_version(self) -> None:
        world = sealed_world()
        head = world.store.contents()[NEWEST_SEAL][0].splitlines(keepends=True)[0]
        forged = re.sub(rb'"seal":3,"first_leaf":315,"leaves":4', b'"seal":4,"first_leaf":319,"leaves":1', head)
        world.store.put("seal/00000004", forged + b"a/300 " + base64_text(b"f" * 32).encode() + b"\n")
        [found] = sealed(world)
        assert found == "seal 4 holds a/300, and the index ends at 305"


class TestTwoLogs:
    """Who holds the key can show two logs to two people, or write all of it anew. Each log by itself is right: only a
    checkpoint that was kept elsewhere shows that there are two."""

    def _anew(self, world: SealingWorld) -> SealingWorld:
        """A log of the same name and key in which a/7 had another hash from the beginning."""
        other = SealingWorld()
        other.history, other.now = world.history, world.now
        other.lake.rows = [replace(row, hash=_OTHER) if row.version == 7 else row for row in world.lake.rows]
        other.lake.restores = world.lake.restores
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("secrets.token_hex", lambda _: world.key.name.rpartition("/")[2])
            other.seal()
        return other

    def test_each_is_right_and_the_other_ones_checkpoint_is_not_consistent(self, tmp_path: Path) -> None:
        world = sealed_world()
        other = self._anew(world)
        other.book("a", events=9)
        other.seal()
        assert other.key == world.key
        assert (verified(world), verified(other)) == ([], [])
        assert checked_copy(world, tmp_path / "one").startswith("yes: ")
        assert checked_copy(other, tmp_path / "other").startswith("yes: ")
        kept = tmp_path / "kept"
        for at, signed in enumerate(world.checkpoints):
            kept.write_bytes(signed)
            found = checked_copy(other, tmp_path / f"again-{at}", "--kept", str(kept))
            assert re.match(r"no: a checkpoint in \S+kept is signed for other entries", found), found
            assert checked_copy(world, tmp_path / f"same-{at}", "--kept", str(kept)).startswith("yes: ")

    def test_a_proof_of_consistency_between_them_cannot_be_made(self, tmp_path: Path) -> None:
        world = sealed_world()
        other = self._anew(world)
        other.book("a", events=3)
        other.seal()
        key = note.vkey(*world.key)
        kept, proof = tmp_path / "kept", tmp_path / "proof"
        for signed in world.checkpoints[:3]:
            kept.write_bytes(signed)
            proof.write_bytes(other.prover().consistency(of_note(signed).size).encode())
            with pytest.raises(verify_proof.No, match="root of the old"):
                verify_proof.answer(["consistency", str(kept), str(proof), "--key", key])
            proof.write_bytes(world.prover().consistency(of_note(signed).size).encode())
            assert "begins with all" in verify_proof.answer(["consistency", str(kept), str(proof), "--key", key])

    def test_a_log_that_was_cut_back_is_found_by_a_kept_checkpoint(self, tmp_path: Path) -> None:
        """Seal, checkpoints and progress are those of a younger log: by itself it is a right one."""
        world = sealed_world()
        kept = tmp_path / "kept"
        kept.write_bytes(world.checkpoints[-1])
        newest = world.checkpoints[-2]
        for name in (NEWEST_SEAL, NEWEST_CHECKPOINT):
            world.store.remove(name)
        world.store.put("checkpoint", newest)
        world.index._progress = Progress(2, 315)
        assert verified(world) == []
        assert checked_copy(world, tmp_path / "log").startswith("yes: all 315 entries")
        assert "has 319 entries, and this log 315" in checked_copy(world, tmp_path / "log", "--kept", str(kept))

    def test_another_ones_key_is_found_by_all_who_know_the_right_one(self, tmp_path: Path) -> None:
        world = sealed_world()
        right = world.key
        for name in [name for name in world.store.contents() if name.startswith("checkpoint")]:
            read = of_note(world.store.contents()[name][0])
            world.store.put(name, Checkpoint(read.origin, read.size, read.root).signed(SeededSigner(2)))
        assert "is not signed by the log's key" in verified(world)[0]
        assert sealed(world) == ["checkpoints/00000003 is not signed by the log's key"]
        assert checked_copy(world, tmp_path, key=right).startswith("no: checkpoint: the checkpoint is not signed by")


_OTHER = base64_text(b"another hash".ljust(32))
