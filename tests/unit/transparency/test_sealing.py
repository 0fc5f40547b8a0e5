"""Any history, sealed again and again: what stands in the log is the table, whatever the lake is late with."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random

import pytest

from tests.support.plain_log import PlainLog
from tests.support.runs import seeds
from tests.support.sealed_world import World, live

ACCOUNTS = [f"a{number}" for number in range(5)]


@pytest.mark.parametrize("seed", seeds(check=60, test=200, soak=20_000))
def test_any_history_ends_in_the_log_and_old_seals_stay(seed: int) -> None:
    random = Random(seed)
    world = World()
    seals: dict[str, bytes] = {}
    for _ in range(random.randrange(1, 8)):
        live(world, random, ACCOUNTS)
        world.meanwhile = partial(live, world, random, ACCOUNTS) if random.random() < 0.3 else lambda: None
        sealer = world.sealer(seal_leaves=random.choice([1, 2, 3, 65_536]))
        found = sealer.run(time_left=lambda: random.choice([900.0, 900.0, 900.0, 10.0]))
        log = world.check()
        assert not found.forks, found.forks
        assert (found.size, found.leaves) == (
            len(log.entries),
            sum(int(str(log.headers[each]["leaves"])) for each in found.seals),
        )
        assert seals.items() <= (seals := objects(world)).items()
    world.now += timedelta(minutes=1)
    world.meanwhile = lambda: None
    world.deliver_rest()
    found = world.seal()
    assert not found.holes
    world.check_all_sealed()
    again = world.seal()
    assert (again.seals, again.leaves, again.size, again.root) == ((), 0, found.size, found.root)
    assert objects(world).keys() == {f"seal/{each:08}" for each in range(len(PlainLog(world.store).headers))}


def objects(world: World) -> dict[str, bytes]:
    return {name: world.content(name) for name in world.store.names("seal/")}


@pytest.mark.parametrize("seed", seeds(check=20, test=60, soak=5_000))
def test_the_index_can_be_made_again_from_the_seals(seed: int) -> None:
    random = Random(seed)
    world = World()
    for _ in range(random.randrange(1, 6)):
        live(world, random, ACCOUNTS)
        world.seal(seal_leaves=random.choice([2, 5, 65_536]))
    before = world.index.contents(), world.store.contents()
    if random.random() < 0.5:
        world.index.clear()
    world.sealer().rebuild_index()
    assert (world.index.contents(), world.store.contents()) == before
    world.check()
