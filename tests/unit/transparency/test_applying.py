"""What seals do to the index, where restores cut runs and where a newer sealer was quicker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from lambdas.transparency.errors import LogConflictError
from lambdas.transparency.index import Head, Run
from tests.support.sealed_world import World


@pytest.fixture
def world() -> World:
    return World()


def runs(world: World) -> list[tuple[int, int]]:
    """First version and count of the runs of account `a`."""
    return [(each.first_version, each.count) for each in world.index.contents()[1].get("a", {}).values()]


def book(world: World, count: int) -> None:
    world.now += timedelta(minutes=1)
    for _ in range(count):
        world.book("a")


def test_two_restores_in_one_seal_leave_no_run_of_what_the_first_one_revoked(world: World) -> None:
    for _ in range(10):
        book(world, 1)
        world.seal()
    world.restore({"a": 7})
    book(world, 2)
    world.restore({"a": 9})
    world.seal()
    assert runs(world) == [*((version, 1) for version in range(1, 8)), (8, 2)]
    world.check_all_sealed()


def test_two_restores_in_one_seal_where_the_second_goes_further_back(world: World) -> None:
    for count in (4, 3, 3):
        book(world, count)
        world.seal()
    world.restore({"a": 9})
    world.restore({"a": 6})
    world.restore({"a": 3})
    book(world, 1)
    world.seal()
    assert runs(world) == [(1, 3), (4, 1)]
    world.check_all_sealed()


def test_consecutive_leaves_are_a_run_and_a_restore_ends_it(world: World) -> None:
    book(world, 3)
    world.restore({"a": 3})
    book(world, 2)
    world.seal()
    assert runs(world) == [(1, 3), (4, 2)]
    world.check_all_sealed()


def test_a_slow_sealer_leaves_alone_what_a_later_seal_has_revoked(world: World) -> None:
    """The run that it is to cut is gone when it asks for it."""
    book(world, 5)
    world.seal()
    world.restore({"a": 3})

    class Overtaken:
        def __init__(self) -> None:
            index = world.index
            self.heads, self.runs, self.apply = index.heads, index.runs, index.apply
            self.progress, self.advance = index.progress, index.advance

        def run_of(self, account_id: str, version: int) -> Run | None:
            if world.index.progress().seal == 0:  # type: ignore[union-attr]
                world.seal()
                world.restore({"a": 0})
                world.seal()
            return world.index.run_of(account_id, version)

    world.seal(index=Overtaken())
    assert (runs(world), world.index.heads(["a"])["a"].version) == ([], 0)
    world.check_all_sealed()


def test_an_index_that_lacks_the_run_to_cut(world: World) -> None:
    book(world, 5)
    world.seal()
    world.restore({"a": 3})
    world.delivered.clear()
    heads, _, progress = world.index.contents()
    world.index.restore((heads, {}, progress))
    with pytest.raises(LogConflictError, match="the index holds no leaf of a/3, beyond which a restore revokes"):
        world.seal()


def test_an_index_whose_head_is_another(world: World) -> None:
    book(world, 5)
    world.seal()
    heads, runs_, progress = world.index.contents()
    book(world, 1)

    class Late:
        """The head changes when the seal is decided."""

        def __init__(self) -> None:
            store = world.store
            self.get, self.names, self.replace = store.get, store.names, store.replace

        def add(self, *arguments: Any) -> bool:
            head = heads["a"]
            world.index.restore(({"a": type(head)(3, head.leaf, head.hash, 0)}, runs_, progress))
            return world.store.add(*arguments)

    with pytest.raises(LogConflictError, match="seal 1 holds a/6, and the index ends at 3"):
        world.seal(store=Late())


def test_a_checkpoint_of_the_same_size_is_no_later_one(world: World) -> None:
    for _ in range(2):
        book(world, 2)
        world.seal()
    world.store.put("checkpoint", world.content("checkpoints/00000000").replace(b"\n\n", b"\nmore\n\n"))
    world.index.clear()
    with pytest.raises(LogConflictError, match="checkpoint is neither the one before seal/00000000 nor a later one"):
        world.seal()


@pytest.mark.parametrize("booked", [1, 2], ids=["at the head", "below the head"])
def test_what_a_newer_sealer_did_is_no_fork_and_no_conflict(booked: int, world: World) -> None:
    """Rows and restores were read before a restore, and heads after it was sealed."""
    book(world, 5)
    world.seal()
    book(world, 1)

    class Late:
        def __init__(self) -> None:
            index = world.index
            self.run_of, self.runs, self.apply = index.run_of, index.runs, index.apply
            self.progress, self.advance = index.progress, index.advance
            self.late = True

        def heads(self, account_ids: Sequence[str]) -> Mapping[str, Head]:
            if self.late:
                self.late = False
                world.restore({"a": 3})
                book(world, booked)
                world.seal()
            return world.index.heads(account_ids)

    found = world.seal(index=Late())
    assert (found.fork_count, found.seals) == (0, ())
    world.check_all_sealed()
