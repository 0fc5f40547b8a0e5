"""What every place of the log's objects does: adds once, replaces by tag, lists in order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lambdas.transparency.log_store import LogStore
from lambdas.transparency.tiles import NOTE_TYPE, TILE_TYPE
from tests.support.log_places import NewStore, store_names, stores


@pytest.fixture(scope="module", params=store_names())
def new_store(request: pytest.FixtureRequest) -> Iterator[NewStore]:
    with stores(request.param) as new:
        yield new


@pytest.fixture
def store(new_store: NewStore) -> LogStore:
    return new_store()


def content(store: LogStore, name: str) -> bytes | None:
    stored = store.get(name)
    return None if stored is None else stored.content


def test_what_is_not_there(store: LogStore) -> None:
    assert store.get("tile/0/000") is None
    assert list(store.names("")) == []


@pytest.mark.parametrize("data", [b"", b"\x00\xff" * 1000, b"x" * 6_000_000])
def test_object_is_as_it_was_added(store: LogStore, data: bytes) -> None:
    assert store.add("tile/0/x001/234.p/5", data, TILE_TYPE)

    assert content(store, "tile/0/x001/234.p/5") == data


def test_what_is_there_stays(store: LogStore) -> None:
    store.add("seal/00000000", b"first", NOTE_TYPE)

    assert not store.add("seal/00000000", b"second", NOTE_TYPE)
    assert not store.add("seal/00000000", b"first", NOTE_TYPE)
    assert content(store, "seal/00000000") == b"first"


def test_one_of_many_adds_wins(store: LogStore) -> None:
    def add(number: int) -> bool:
        return store.add("seal/00000001", b"%d" % number, NOTE_TYPE)

    with ThreadPoolExecutor(8) as threads:
        added = list(threads.map(add, range(8)))

    assert sum(added) == 1
    assert content(store, "seal/00000001") == b"%d" % added.index(True)


def test_replacing_goes_by_tag(store: LogStore) -> None:
    store.add("checkpoint", b"1", NOTE_TYPE)
    first = store.get("checkpoint")
    assert first is not None

    assert store.replace("checkpoint", b"2", NOTE_TYPE, tag=first.tag)
    assert not store.replace("checkpoint", b"3", NOTE_TYPE, tag=first.tag)

    assert content(store, "checkpoint") == b"2"


def test_replacing_none_is_adding(store: LogStore) -> None:
    assert store.replace("checkpoint", b"1", NOTE_TYPE, tag="")
    assert not store.replace("checkpoint", b"2", NOTE_TYPE, tag="")

    assert content(store, "checkpoint") == b"1"


def test_what_is_not_there_is_not_replaced(store: LogStore, new_store: NewStore) -> None:
    elsewhere = new_store()
    elsewhere.add("checkpoint", b"1", NOTE_TYPE)
    stored = elsewhere.get("checkpoint")
    assert stored is not None

    assert not store.replace("checkpoint", b"2", NOTE_TYPE, tag=stored.tag)

    assert store.get("checkpoint") is None


def test_names_come_in_order_and_after_another(store: LogStore) -> None:
    for name in ("seal/00000010", "seal/00000002", "checkpoints/00000002", "seal/00000009", "sealed"):
        store.add(name, b"", NOTE_TYPE)

    assert list(store.names("seal/")) == ["seal/00000002", "seal/00000009", "seal/00000010"]
    assert list(store.names("seal/", after="seal/00000002")) == ["seal/00000009", "seal/00000010"]
    assert list(store.names("seal/", after="seal/00000010")) == []
    assert list(store.names("tile/")) == []
    assert next(iter(store.names(""))) == "checkpoints/00000002"
