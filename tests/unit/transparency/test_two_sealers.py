"""Two sealers at once, in many orders of their calls: one decides a seal, and both finish it alike."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.support.interleaving import Turnstile, sample
from tests.support.runs import runs, seeds
from tests.support.sealed_world import World, live, plenty

ACCOUNTS = [f"a{number}" for number in range(4)]


class Stepped:
    """Passes through the turnstile before every call."""

    def __init__(self, target: object, turnstile: Turnstile) -> None:
        self._target = target
        self._turnstile = turnstile

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._turnstile.step()
            return method(*arguments, **named)

        return call


@pytest.fixture(scope="module")
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as found:
        yield found


@pytest.mark.parametrize("seed", seeds(check=10, test=40, soak=2_000))
def test_two_sealers_at_once(seed: int, executor: ThreadPoolExecutor) -> None:
    """Between their calls the lake gets more, and the one that asked first knows less."""

    def run(choose: Any) -> None:
        random = Random(seed)
        world = World()
        for _ in range(random.randrange(3)):
            live(world, random, ACCOUNTS)
            world.seal(seal_leaves=random.choice([1, 2, 65_536]))
        live(world, random, ACCOUNTS)
        turnstile = Turnstile()
        lives = [Random(seed + each) for each in range(2)]

        def sealer(number: int) -> None:
            target = {
                name: Stepped(getattr(world, name), turnstile) for name in ("store", "index", "announcer")
            }  # fmt: skip
            lake = Stepped(world, turnstile)
            sealer = world.sealer(**target, lake=lake, seal_leaves=lives[number].choice([1, 2, 65_536]))
            found = sealer.run(time_left=plenty)
            assert not found.forks
            live(world, lives[number], ACCOUNTS)
            turnstile.step()
            assert not sealer.run(time_left=plenty).forks

        turnstile.run([lambda: sealer(0), lambda: sealer(1)], executor, choose)
        world.now += timedelta(minutes=1)
        world.deliver_rest()
        assert not world.seal().holes
        told = set(world.announcer.told)
        world.announcer.told = [world.content(each) for each in world.store.names("checkpoints/")]
        assert told == set(world.announcer.told)
        world.check_all_sealed()

    sample(run, range(runs(check=2, test=5, soak=50)))
