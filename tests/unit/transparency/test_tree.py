"""The tree grows the same however its entries come, from what stands in tiles alone."""

import random
from hashlib import sha256

import pytest

from lambdas.transparency.errors import LogConflictError, MalformedError
from lambdas.transparency.hashing import EMPTY_ROOT, leaf_hash, node_hash, perfect_root
from lambdas.transparency.tile_reader import TileReader
from lambdas.transparency.tiles import Tile, bundle_name, framed, tile_name, tiles_of
from lambdas.transparency.tree import Frontier
from tests.support.grown_log import GrownLog, built_at_once, grown_one_by_one, root_by_definition, some_entries
from tests.support.runs import seeds

BORDERS = [0, 1, 2, 3, 255, 256, 257, 511, 512, 513]


def test_the_hashes_are_those_of_rfc_6962() -> None:
    # The first two stand in RFC 6962's own example of an empty tree and of an entry of no bytes.
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert node_hash(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()
    hashes = [leaf_hash(bytes([each])) for each in range(4)]
    assert perfect_root(hashes[0]) == hashes[0]
    assert perfect_root(b"".join(hashes)) == node_hash(node_hash(*hashes[:2]), node_hash(*hashes[2:]))


@pytest.mark.parametrize("size", BORDERS)
def test_the_root_is_the_one_of_the_definition(size: int) -> None:
    entries = some_entries(size)
    assert built_at_once(entries).roots[size] == root_by_definition(entries)


def test_a_log_that_stood_at_every_size_has_every_root() -> None:
    log = grown_one_by_one(some_entries(600))
    for size in range(601):
        assert log.roots[size] == Frontier.read(log.reader(), size).root()
    assert all(log.roots[size] == root_by_definition(log.entries[:size]) for size in (*range(40), *BORDERS))


@pytest.mark.parametrize("seed", seeds(check=3, test=20, soak=300))
def test_batches_of_any_length_make_the_same_tiles_as_one(seed: int) -> None:
    chance = random.Random(seed)
    entries = some_entries(chance.choice([300, 1_000, 70_000 if seed % 5 == 0 else 2_000]), seed=seed)
    log = GrownLog()
    while log.size < len(entries):
        log.grow(entries[log.size : log.size + chance.choice([0, 1, 7, 255, 256, 257, chance.randrange(9_000)])])
    once = built_at_once(entries)
    assert log.roots[log.size] == once.roots[once.size]
    whole = once.store.contents()
    names = {tile.name for tile in tiles_of(log.size)}
    assert names <= whole.keys()
    assert whole.items() <= log.store.contents().items()
    others = log.store.contents().keys() - whole.keys()
    assert all(".p/" in name for name in others), "what stands there beside is partial, and of the sizes before"


def test_a_tile_comes_after_what_it_is_made_of() -> None:
    frontier = Frontier()
    names = [write.name for write in frontier.append(some_entries(512))]
    assert names == ["tile/entries/000", "tile/0/000", "tile/entries/001", "tile/0/001"]
    frontier = Frontier()
    last = [write.name for write in frontier.append(some_entries(65_536))][-3:]
    assert last == ["tile/entries/255", "tile/0/255", "tile/1/000"]
    assert [write.name for write in frontier.partials()] == ["tile/2/000.p/1"]


def test_a_tree_without_entries_writes_nothing() -> None:
    frontier = Frontier()
    assert list(frontier.append([])) == []
    assert list(frontier.partials()) == []
    assert frontier.size == 0
    assert frontier.root() == EMPTY_ROOT


def test_an_entry_that_is_too_long_is_refused() -> None:
    with pytest.raises(MalformedError):
        list(Frontier().append([b"x" * 65_536]))


def test_any_entry_and_any_hashes_are_read_back() -> None:
    log = grown_one_by_one(some_entries(520))
    reader = TileReader(log.store, kept=3)
    hashes = [leaf_hash(entry) for entry in log.entries]
    for size in (1, 255, 256, 257, 520):
        assert [reader.entry(index, size) for index in range(size)] == log.entries[:size]
        assert reader.hashes(0, 0, size, size) == hashes[:size]
    assert reader.hashes(0, 250, 260, 300) == hashes[250:260]
    assert reader.hashes(0, 256, 512, 520) == hashes[256:512]
    assert reader.hashes(1, 0, 2, 520) == [perfect_root(b"".join(hashes[at : at + 256])) for at in (0, 256)]


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    log = grown_one_by_one(some_entries(300))
    for name in [name for name in log.store.contents() if name.startswith(("tile/0/000.p/", "tile/entries/000.p/"))]:
        log.store.remove(name)
    assert Frontier.read(log.reader(), 200).root() == log.roots[200]
    assert log.reader().entry(199, 200) == log.entries[199]


class CountedStore:
    def __init__(self, log: GrownLog) -> None:
        self.log, self.asked = log, list[str]()

    def __getattr__(self, name: str) -> object:
        return getattr(self.log.store, name)

    def get(self, name: str) -> object:
        self.asked.append(name)
        return self.log.store.get(name)


def test_what_was_read_is_kept_up_to_a_bound() -> None:
    store = CountedStore(built_at_once(some_entries(256 * 4)))
    reader = TileReader(store, kept=2)  # type: ignore[arg-type]
    for index in (0, 1, 0, 2, 0, 1):
        reader.tile(Tile(0, index, 256))
    assert store.asked == [tile_name(0, index, 256) for index in (0, 1, 2, 1)]


class TestDamage:
    """What the right edge is read from must be there, whole, and one thing."""

    @pytest.fixture
    def log(self) -> GrownLog:
        return grown_one_by_one(some_entries(260))

    @pytest.mark.parametrize("name", ["tile/0/001.p/4", "tile/1/000.p/1", "tile/entries/001.p/4"])
    def test_a_missing_object_is_named(self, log: GrownLog, name: str) -> None:
        log.store.remove(name)
        with pytest.raises(LogConflictError, match=f"{name} is missing"):
            Frontier.read(log.reader(), 260)

    @pytest.mark.parametrize("name", ["tile/0/001.p/4", "tile/1/000.p/1", "tile/entries/001.p/4"])
    @pytest.mark.parametrize("wrong", [b"", b"\x00", b"\x00" * 33])
    def test_an_object_of_another_length_is_named(self, log: GrownLog, name: str, wrong: bytes) -> None:
        log.store.put(name, wrong)
        with pytest.raises(LogConflictError, match=name):
            Frontier.read(log.reader(), 260)

    def test_a_bundle_with_an_entry_more_is_named(self, log: GrownLog) -> None:
        name = bundle_name(1, 4)
        log.store.put(name, log.store.contents()[name][0] + framed(b"more"))
        with pytest.raises(LogConflictError, match="has 5 entries instead of 4"):
            Frontier.read(log.reader(), 260)

    def test_entries_that_are_not_those_of_the_tile_are_named(self, log: GrownLog) -> None:
        log.store.put(bundle_name(1, 4), b"".join(framed(b"other") for _ in range(4)))
        with pytest.raises(LogConflictError, match=bundle_name(1, 4)):
            Frontier.read(log.reader(), 260)
