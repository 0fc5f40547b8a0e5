"""What a proof costs: requests and bytes, by the size of the log, and how many of them go side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from threading import Barrier, Lock
from typing import Any, NamedTuple

import pytest

from lambdas.transparency.index import Run
from lambdas.transparency.log_store import CHECKPOINT, Stored
from lambdas.transparency.memory import MemoryLogIndex, MemoryLogStore
from lambdas.transparency.proving import Prover
from lambdas.transparency.tlog_proof import TlogProof
from tests.store.test_log_index import A, change, run
from tests.support.built_log import BuiltLog, built_log, leaf_at
from tests.support.dynamodb_tables import moto_client
from tests.support.log_places import create_index_table, index_on
from tests.support.metering import item_bytes

KIB = 1024
SIZES = (1, 256, 257, 65_536, 1_000_000)
HASH = 32
ENTRY = 86
"""Bytes of an entry in a bundle: its length, a UUID, a version of one digit and a hash in Base64."""


@cache
def log_of(size: int) -> BuiltLog:
    return built_log(size, known=places(size))


def places(size: int) -> list[int]:
    return sorted({0, size // 2, size * 2 // 3, size - 1})


class Counting(MemoryLogStore):
    """Another store, and what was read of it. `before` is called before each answer."""

    def __init__(self, behind: MemoryLogStore, before: Callable[[str], object] = lambda name: None) -> None:
        super().__init__()
        self._behind = behind
        self._before = before
        self.read: dict[str, int] = {}
        self._counting = Lock()

    def get(self, name: str) -> Stored | None:
        stored = self._behind.get(name)
        with self._counting:
            assert name not in self.read, f"{name} is read twice"
            self.read[name] = len(stored.content) if stored else 0
        self._before(name)
        return stored


class CountingIndex(MemoryLogIndex):
    """Another index, and how often it was asked for a run."""

    def __init__(self, behind: MemoryLogIndex, before: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._behind = behind
        self._before = before
        self.asked = 0

    def run_of(self, account_id: str, version: int) -> Run | None:
        self.asked += 1
        self._before()
        return self._behind.run_of(account_id, version)


class Cost(NamedTuple):
    tiles: int
    tile_bytes: int
    bundle_bytes: int
    proof_bytes: int


def prove(prover: Prover, place: int) -> TlogProof:
    leaf = leaf_at(place)
    return prover.proof(leaf.account_id, leaf.version)


def cost(log: BuiltLog, place: int) -> Cost:
    store, index = Counting(log.store), CountingIndex(log.index)
    proof = prove(Prover(store, index), place)
    bundles = [size for name, size in store.read.items() if name.startswith("tile/entries/")]
    tiles = [size for name, size in store.read.items() if name.startswith("tile/") and "entries" not in name]
    assert index.asked == 1
    assert len(bundles) == 1
    assert CHECKPOINT in store.read
    assert len(store.read) == 2 + len(tiles)
    return Cost(len(tiles), sum(tiles), bundles[0], len(proof.encode()))


@pytest.mark.parametrize(
    ("size", "most"),
    [
        (1, Cost(tiles=0, tile_bytes=0, bundle_bytes=ENTRY, proof_bytes=500)),
        (256, Cost(tiles=1, tile_bytes=256 * HASH, bundle_bytes=256 * ENTRY, proof_bytes=500 + 8 * 45)),
        (257, Cost(tiles=2, tile_bytes=257 * HASH, bundle_bytes=256 * ENTRY, proof_bytes=500 + 9 * 45)),
        (65_536, Cost(tiles=2, tile_bytes=512 * HASH, bundle_bytes=256 * ENTRY, proof_bytes=500 + 16 * 45)),
        (1_000_000, Cost(tiles=5, tile_bytes=4 * 256 * HASH, bundle_bytes=256 * ENTRY, proof_bytes=500 + 20 * 45)),
    ],
)
def test_one_query_the_checkpoint_a_bundle_and_some_tiles(size: int, most: Cost) -> None:
    """Every proof, wherever the entry stands; and the dearest of them takes as much as is said."""
    costs = [cost(log_of(size), place) for place in places(size)]

    assert all(paid <= limit for each in costs for paid, limit in zip(each, most, strict=True)), costs
    assert max(each.tiles for each in costs) == most.tiles


def test_next_proof_of_the_same_tiles_reads_the_checkpoint_only() -> None:
    log = log_of(1_000_000)
    first, second = 500_000, 500_001
    store = Counting(log.store)
    prover = Prover(store, log.index)
    prove(prover, first)
    store.read.clear()

    prove(prover, second)

    assert store.read.keys() == {CHECKPOINT}


def test_all_goes_in_two_rounds() -> None:
    """Nothing is answered until all of its round is asked for: the index and the checkpoint, then the rest."""
    log = log_of(1_000_000)
    place = places(1_000_000)[1]
    first, rest = Barrier(2), Barrier(1 + cost(log, place).tiles)

    def meet(name: str) -> None:
        (first if name == CHECKPOINT else rest).wait(timeout=20)

    prover = Prover(Counting(log.store, meet), CountingIndex(log.index, lambda: first.wait(timeout=20)))

    assert prove(prover, place).index == place


@pytest.mark.parametrize("size", SIZES)
def test_consistency_is_a_checkpoint_and_some_tiles(size: int) -> None:
    log = log_of(size)
    for old in {0, 1, size // 3, size - 1, size}:
        store = Counting(log.store)

        proof = Prover(store, log.index).consistency(old)

        assert len(store.read) <= 1 + 6
        assert sum(store.read.values()) <= 400 + 5 * 256 * HASH
        assert len(proof.hashes) <= 21


class Queries:
    """A client of DynamoDB, and what it was asked for."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.requests: list[tuple[str, dict[str, Any], Any]] = []

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            answer = getattr(self._client, operation)(**request)
            self.requests.append((operation, request, answer))
            return answer

        return call


@pytest.fixture
def queries() -> Iterator[Queries]:
    with moto_client() as client:
        yield Queries(client)


def test_index_is_asked_for_one_item(queries: Queries) -> None:
    """Of an account with a hundred runs: one Query of one item below 200 bytes, which is one read unit."""
    index = index_on(queries, create_index_table(queries._client))
    index.apply([change(A, *(run(A, 2 * each + 1, 2, 2 * each, each) for each in range(99)))], seal=98)
    queries.requests.clear()

    for version in (1, 2, 99, 198, 199):
        index.run_of(A, version)

    assert [operation for operation, _, _ in queries.requests] == ["query"] * 5
    assert all(request["ConsistentRead"] for _, request, _ in queries.requests)
    for _, _, answer in queries.requests:
        assert [item_bytes(item) < 200 for item in answer["Items"]] == [True]


def test_sealing_costs_four_write_units_an_account(queries: Queries) -> None:
    """Two items below 1 KB, in a transaction that fifty accounts share."""
    index = index_on(queries, create_index_table(queries._client))
    accounts = [f"{number:036}" for number in range(120)]

    index.apply([change(each, run(each, 1, 9, place, 0)) for place, each in enumerate(accounts)], seal=0)

    actions = [request["TransactItems"] for _, request, _ in queries.requests]
    assert sorted(map(len, actions)) == [40, 100, 100]
    assert all(item_bytes(each["Put"]["Item"]) < KIB for some in actions for each in some)
