"""The log in memory: what the ports promise."""

from __future__ import annotations

from lambdas.transparency.index import AccountRuns, Head, Progress, Run
from lambdas.transparency.memory import MemoryLogIndex, MemoryLogStore

H = bytes(32)


def test_an_object_is_added_once_and_replaced_by_its_tag() -> None:
    store = MemoryLogStore()
    assert store.replace("a", b"1", "text/plain", tag="")
    assert not store.replace("a", b"2", "text/plain", tag="")
    assert not store.add("a", b"2", "text/plain")
    found = store.get("a")
    assert found is not None
    assert found.content == b"1"
    assert store.replace("a", b"2", "text/plain", tag=found.tag)
    assert not store.replace("a", b"3", "text/plain", tag=found.tag)
    assert store.get("b") is None


def test_names_come_in_order_after_another() -> None:
    store = MemoryLogStore()
    for name in ("seal/2", "seal/0", "tile/0", "seal/1"):
        assert store.add(name, b"", "text/plain")
    assert list(store.names("seal/", after="seal/0")) == ["seal/1", "seal/2"]


def test_a_seal_revokes_replaces_and_adds_and_an_older_one_changes_nothing() -> None:
    index = MemoryLogIndex()
    index.apply([AccountRuns("a", None, (Run(1, 0, 5, 0, H),), Head(5, 4, H, 0))], seal=0)
    index.apply([AccountRuns("a", None, (Run(6, 5, 2, 1, H),), Head(7, 6, H, 1))], seal=1)
    revoking = AccountRuns("a", 3, (Run(1, 0, 3, 0, H), Run(4, 8, 1, 2, H)), Head(4, 8, H, 2, restored=1))
    for _ in range(2):
        index.apply([revoking], seal=2)
        index.apply([AccountRuns("a", None, (Run(6, 5, 2, 1, H),), Head(7, 6, H, 1))], seal=1)
    assert index.heads(["a", "b"]) == {"a": Head(4, 8, H, 2, restored=1)}
    assert index.run_of("a", 3) == Run(1, 0, 3, 0, H)
    assert index.run_of("a", 4) == Run(4, 8, 1, 2, H)
    assert index.run_of("a", 5) is None
    assert index.run_of("b", 1) is None
    assert list(index.runs("a", first=3, last=9)) == [Run(1, 0, 3, 0, H), Run(4, 8, 1, 2, H)]


def test_progress_goes_on_by_one_seal_and_never_back() -> None:
    index = MemoryLogIndex()
    index.advance(Progress(1, 9))
    assert index.progress() is None
    index.advance(Progress(0, 5))
    index.advance(Progress(2, 10))
    assert index.progress() == Progress(0, 5)
    index.advance(Progress(1, 9))
    index.advance(Progress(0, 5))
    assert index.progress() == Progress(1, 9)
