"""Where tiles and bundles stand, and what a bundle holds: C2SP, tlog-tiles."""

import pytest

from lambdas.transparency.errors import MalformedError
from lambdas.transparency.tiles import (
    LONGEST_ENTRY,
    Tile,
    bundle_name,
    entries_of,
    framed,
    rightmost,
    tile_at,
    tile_name,
    tiles_of,
)


@pytest.mark.parametrize(
    ("index", "place"),
    [
        (0, "000"),
        (9, "009"),
        (999, "999"),
        (1_000, "x001/000"),
        (12_345, "x012/345"),
        (1_234_067, "x001/x234/067"),
        (1_000_000_000, "x001/x000/x000/000"),
    ],
)
def test_a_number_is_written_in_elements_of_three_digits(index: int, place: str) -> None:
    assert tile_name(0, index, 256) == f"tile/0/{place}"
    assert tile_name(3, index, 17) == f"tile/3/{place}.p/17"
    assert bundle_name(index, 256) == f"tile/entries/{place}"
    assert bundle_name(index, 255) == f"tile/entries/{place}.p/255"


def test_a_tree_of_70000_has_the_tiles_that_the_document_counts() -> None:
    tiles = list(tiles_of(70_000))
    assert tiles == [
        *(Tile(0, index, 256) for index in range(273)),
        Tile(0, 273, 112),
        Tile(1, 0, 256),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert list(rightmost(70_000)) == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]


@pytest.mark.parametrize(
    ("size", "tiles"),
    [
        (0, []),
        (1, ["tile/0/000.p/1"]),
        (255, ["tile/0/000.p/255"]),
        (256, ["tile/0/000", "tile/1/000.p/1"]),
        (257, ["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1"]),
    ],
)
def test_a_tree_of_256_has_a_full_tile_and_a_partial_one_above(size: int, tiles: list[str]) -> None:
    assert [tile.name for tile in tiles_of(size)] == tiles
    assert [tile.name for tile in rightmost(size)] == [name for name in tiles if ".p/" in name]


def test_a_tile_beyond_the_log_has_no_width() -> None:
    assert tile_at(0, 1, 256) == Tile(0, 1, 0)
    assert tile_at(1, 3, 256) == Tile(1, 3, 0)


@pytest.mark.parametrize("entries", [[], [b""], [b"a", b"", b"bcd"], [b"x" * LONGEST_ENTRY, b"y"]])
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    assert entries_of(b"".join(map(framed, entries))) == entries


def test_an_entry_stands_behind_its_length_in_two_bytes() -> None:
    assert framed(b"x" * 258) == b"\x01\x02" + b"x" * 258


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 6, 7])
def test_a_bundle_that_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(MalformedError, match="cut off"):
        entries_of((framed(b"ab") + framed(b"cd"))[:-cut])


def test_an_entry_that_its_length_cannot_say_is_refused() -> None:
    with pytest.raises(MalformedError, match="65536 bytes"):
        framed(b"x" * (LONGEST_ENTRY + 1))
