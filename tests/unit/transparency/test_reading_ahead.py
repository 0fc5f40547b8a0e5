"""What is compared with the log is read by requests that are under way at once.

One after the other, a Query for an account and an object for 256 leaves, a sealer would compare some thousand rows a
second and never come to the end of the days that it reads again; nor would a verification within its fifteen minutes.
"""

from __future__ import annotations

from typing import Any

from lambdas.transparency.index import Progress
from lambdas.transparency.leaves import RowLeaf
from lambdas.transparency.log_store import Stored
from lambdas.transparency.memory import MemoryLogStore
from lambdas.transparency.standing import LogStanding
from lambdas.transparency.tile_reader import TileReader
from lambdas.verification.log import Log, terms_of
from tests.support.at_once import AtOnce
from tests.support.log_signer import verifies
from tests.support.sealed_world import World
from tests.support.tampered_log import sealed_world


def test_runs_and_tiles_of_many_accounts_are_read_at_once() -> None:
    world = World()
    accounts = [f"a{number:03}" for number in range(200)]
    for _ in range(2):  # two seals: each account has two runs
        for account in accounts:
            for _ in range(3):
                world.book(account)
        world.seal()
    progress = world.index.progress()
    assert progress == Progress(1, 1200)
    store, index = AtOnce(world.store, "get"), AtOnce(world.index, "runs")
    standing = LogStanding(index, TileReader(store), progress)
    heads = standing.heads(accounts)
    standing.read_ahead(dict.fromkeys(accounts[:198], (1, 5)), heads)
    assert (index.calls, store.calls) == (198, 5)
    for account in accounts[:198]:
        for version in range(1, 6):
            hashed = world.table[account][version - 1].hash
            assert standing.other_than(RowLeaf(account, version, hashed), heads[account]) is None
    assert (index.calls, store.calls) == (198, 5)


class TilesAtOnce:
    """The objects of a log, of which no tile is answered before two are asked for."""

    def __init__(self, store: MemoryLogStore) -> None:
        self._store, self._tiles = store, AtOnce(store, "get")
        self.names = store.names

    def get(self, name: str) -> Stored | None:
        found: Stored | None = (self._tiles if name.startswith("tile/") else self._store).get(name)
        return found


def test_a_verification_compares_tiles_at_once() -> None:
    world = sealed_world()
    store: Any = TilesAtOnce(world.store)
    terms = terms_of(store, world.index)
    assert terms is not None
    log = Log(store, terms, "salt", public_key=world.signer.public_key(), verify=verifies)
    assert log.recompute().findings.named == []
