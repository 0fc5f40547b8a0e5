"""A sealer that stops between any two writes, and the next one, which finds more in the lake."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest

from lambdas.transparency.errors import LogConflictError
from tests.support.plain_log import PlainLog
from tests.support.runs import seeds
from tests.support.sealed_world import CrashError, Crashing, World, live, plenty

ACCOUNTS = [f"a{number}" for number in range(4)]
SEAL_LEAVES = [2, 3, 65_536]


def lived(seed: int) -> tuple[World, Random]:
    """A world with a log, and with more to seal."""
    random = Random(seed)
    world = World()
    for _ in range(random.randrange(3)):
        live(world, random, ACCOUNTS)
        world.seal(seal_leaves=random.choice(SEAL_LEAVES))
    live(world, random, ACCOUNTS)
    return world, random


def crashes(seed: int) -> Iterator[tuple[World, Random, Crashing]]:
    """The same world for each write of its next run, before and after the write."""
    world, random = lived(seed)
    most = random.choice(SEAL_LEAVES)
    whole = Crashing(world, 0, after=False)
    world.seal(seal_leaves=most, **whole.arguments)
    for k in range(1, whole.done + 1):
        for after in (False, True):
            world, random = lived(seed)
            assert random.choice(SEAL_LEAVES) == most
            crashing = Crashing(world, k, after=after)
            with pytest.raises(CrashError):
                world.seal(seal_leaves=most, **crashing.arguments)
            yield world, Random(f"{seed} {k} {after}"), crashing


@pytest.mark.parametrize("seed", seeds(check=4, test=15, soak=2_000))
def test_what_was_decided_ends_with_the_same_bytes(seed: int) -> None:
    for world, random, _ in crashes(seed):
        twin = World()
        twin.store, twin.index = world.copy_of_log()
        decided = list(world.store.names("seal/"))
        if decided:
            twin.seal()  # nothing is in its lake: it finishes what was decided
            assert list(twin.store.names("seal/")) == decided
        live(world, random, ACCOUNTS)
        if random.random() < 0.5:
            world.deliver_rest()
        again = Crashing(world, random.randrange(30), after=random.random() < 0.5)
        try:
            world.seal(**again.arguments)
        except CrashError:
            world.seal()
        objects = world.store.contents()
        for name, content in twin.store.contents().items():
            assert name == "checkpoint" or objects[name] == content, name
        world.now += timedelta(minutes=1)
        world.deliver_rest()
        world.seal()
        world.check_all_sealed()


@pytest.mark.parametrize("seed", seeds(check=4, test=15, soak=2_000))
def test_the_checkpoint_is_never_ahead_of_the_index(seed: int) -> None:
    """A proof against the newest checkpoint finds every account in the index."""
    for world, _, _ in crashes(seed):
        stored = world.store.get("checkpoint")
        size = int(stored.content.split(b"\n")[1]) if stored else 0
        heads, _, progress = world.index.contents()
        assert (progress.size if progress else 0) <= size
        log = PlainLog(world.store)
        sealed = [entry for entry in log.entries if entry.place < size]
        for entry in sealed:
            account = entry.text.partition("/")[0]
            assert heads[account].seal >= max(each.seal for each in sealed if each.text.startswith(f"{account}/"))


@pytest.mark.parametrize("seed", seeds(check=4, test=10, soak=500))
def test_an_index_that_is_made_again_may_be_left_half_made(seed: int) -> None:
    world, random = lived(seed)
    world.seal()
    before = world.index.contents()
    whole = Crashing(world, 0, after=False)
    world.sealer(**whole.arguments).rebuild_index()
    for k in range(1, whole.done + 1):
        crashing = Crashing(world, k, after=random.random() < 0.5)
        with pytest.raises(CrashError):
            world.sealer(**crashing.arguments).rebuild_index()
        if random.random() < 0.5:
            world.sealer().rebuild_index()
        else:
            world.seal()  # it finishes all seals anew
        assert world.index.contents() == before
    world.check()


@pytest.mark.parametrize("seed", seeds(check=4, test=10, soak=500))
def test_an_index_may_be_made_again_of_a_log_that_is_not_finished(seed: int) -> None:
    for world, _, _ in crashes(seed):
        if list(world.store.names("seal/")):
            world.sealer().rebuild_index()
            world.check()


@pytest.mark.parametrize("seed", seeds(check=4, test=10, soak=500))
def test_a_slow_sealer_goes_on_after_a_newer_one(seed: int) -> None:
    """It stopped before its k-th write, another one did everything and more, and now it writes the rest."""
    world, _ = lived(seed)
    whole = Crashing(world, 0, after=False)
    world.seal(**whole.arguments)
    for k in range(1, whole.done + 1):
        world, random = lived(seed)

        def overtake(world: World = world, random: Random = random) -> None:
            live(world, random, ACCOUNTS)
            world.seal(seal_leaves=2)
            live(world, random, ACCOUNTS)
            world.seal()

        slow = Crashing(world, k, after=False, instead=overtake)
        world.sealer(**slow.arguments).run(time_left=plenty)
        world.now += timedelta(minutes=1)
        world.deliver_rest()
        world.seal()
        world.check_all_sealed()


def test_what_stops_the_sealer_is_raised() -> None:
    world = World()
    world.book("a")
    world.store.put("tile/0/000.p/1", b"x", "application/octet-stream")
    with pytest.raises(LogConflictError, match=r"tile/0/000\.p/1"):
        world.seal()
