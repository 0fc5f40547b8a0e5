"""Proofs of the log: that an event's hash is in it, and that it only grew.

The index says where to look and is not believed: what stands there must be the entry of the account and version, and
every proof is verified against the root of its checkpoint before it is given out. The checkpoint's signature is not:
deployed functions carry no library for it, and whoever is given a proof verifies it anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from lambdas.eventsourcing.table_requests import in_parallel
from lambdas.transparency.checkpoint import Checkpoint, of_note
from lambdas.transparency.consistency import ConsistencyProof
from lambdas.transparency.errors import LogConflictError, MalformedError, NotInLogError, ProofError
from lambdas.transparency.hashing import EMPTY_ROOT, leaf_hash
from lambdas.transparency.index import Head, LogIndex, Run
from lambdas.transparency.leaves import RowLeaf, decode_leaf
from lambdas.transparency.log_store import CHECKPOINT, LogStore
from lambdas.transparency.proofs import (
    Span,
    consistency,
    consistency_spans,
    inclusion,
    inclusion_spans,
    tiles_of_proof,
    verify_consistency,
    verify_inclusion,
)
from lambdas.transparency.tile_reader import TileReader
from lambdas.transparency.tiles import WIDTH, tile_at
from lambdas.transparency.tlog_proof import TlogProof

A = TypeVar("A")
B = TypeVar("B")


class Prover:
    """Makes proofs. Safe to use from several threads; tiles that were read are kept for the next proof.

    Methods raise LogUnavailableError, and LogConflictError if the log does not hold what it must: somebody has to look.
    """

    def __init__(self, store: LogStore, index: LogIndex) -> None:
        self._store = store
        self._index = index
        self._reader = TileReader(store)

    def checkpoint(self) -> bytes:
        """The newest signed checkpoint. Raises NotInLogError before the first seal."""
        stored = self._store.get(CHECKPOINT)
        if stored is None:
            raise NotInLogError("The log has no checkpoint yet: nothing was sealed.")
        return stored.content

    def head(self, account_id: str) -> Head | None:
        """The account's newest version in the log, as the index says; None if the log does not know the account."""
        return self._index.heads([account_id]).get(account_id)

    def proof(self, account_id: str, version: int, *, checkpoint: bytes | None = None) -> TlogProof:
        """The proof that the hash of an account's row is in the log of a checkpoint, by default the newest; with the
        entry itself. Raises NotInLogError.

        One Query of the index and the checkpoint, side by side; then the entry's bundle and the tiles, side by side.
        """
        asked = partial(self._index.run_of, account_id, version)
        run, signed = _both(asked, self.checkpoint if checkpoint is None else lambda: checkpoint)
        log = _read(signed)
        leaf = _leaf_of(run, version)
        if leaf is None or leaf >= log.size:
            raise NotInLogError(f"Version {version} of account {account_id} is not in the log of {log.size} entries.")
        entry, hashes = self._checked(partial(self._inclusion, (account_id, version), leaf, log))
        return TlogProof(leaf, tuple(hashes), signed, entry)

    def consistency(self, old_size: int, *, checkpoint: bytes | None = None) -> ConsistencyProof:
        """The proof that the log of a checkpoint, by default the newest, begins with all that it held at an old size.

        Raises NotInLogError if the old size is the larger one.
        """
        signed = self.checkpoint() if checkpoint is None else checkpoint
        log = _read(signed)
        if not 0 <= old_size <= log.size:
            raise NotInLogError(f"The log has {log.size} entries, and there is no earlier one of {old_size}.")
        hashes = self._checked(partial(self._consistency, old_size, log))
        return ConsistencyProof(old_size, tuple(hashes), signed)

    def _inclusion(self, wanted: tuple[str, int], leaf: int, log: Checkpoint) -> tuple[bytes, list[bytes]]:
        bundle = tile_at(0, leaf // WIDTH, log.size)
        self._fetch(inclusion_spans(leaf, log.size), log.size, lambda: self._reader.bundle(bundle.index, bundle.width))
        entry = self._reader.entry(leaf, log.size)
        found = decode_leaf(entry)
        if not isinstance(found, RowLeaf) or (found.account_id, found.version) != wanted:
            raise LogConflictError(
                f"the index says that version {wanted[1]} of account {wanted[0]} is entry {leaf} of the log, which is "
                f"{entry.decode()!r}: the index has to be made again"
            )
        hashes = inclusion(self._reader, leaf, log.size)
        verify_inclusion(leaf_hash(entry), leaf, log.size, hashes, log.root)
        return entry, hashes

    def _consistency(self, old: int, log: Checkpoint) -> list[bytes]:
        """The old root is that of the tiles as they are: whoever has the old checkpoint compares it with its own."""
        self._fetch([*consistency_spans(old, log.size), *([Span(0, old)] if old else [])], log.size)
        hashes = consistency(self._reader, old, log.size)
        old_root = self._reader.root(0, old, log.size) if old else EMPTY_ROOT
        verify_consistency(old, old_root, log.size, log.root, hashes)
        return hashes

    def _fetch(self, spans: Sequence[Span], size: int, *more: Callable[[], object]) -> None:
        """Read all that a proof is made of at once."""
        tiles = tiles_of_proof(spans, size)
        reads: list[Callable[[], object]] = [*more, *(partial(self._reader.tile, tile) for tile in tiles)]
        in_parallel(_call, reads)

    def _checked(self, make: Callable[[], A]) -> A:
        """What was read and does not fit is forgotten: the next proof reads it again."""
        try:
            return make()
        except (ProofError, MalformedError) as error:
            self._reader = TileReader(self._store)
            raise LogConflictError(f"the log's tiles and entries do not lead to its checkpoint: {error}") from error
        except LogConflictError:
            self._reader = TileReader(self._store)
            raise


def _read(signed: bytes) -> Checkpoint:
    try:
        return of_note(signed)
    except MalformedError as error:
        raise LogConflictError(f"what stands as the log's checkpoint is none: {error}") from error


def _leaf_of(run: Run | None, version: int) -> int | None:
    return None if run is None else run.first_leaf + version - run.first_version


def _call(work: Callable[[], object]) -> object:
    return work()


def _both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Both results, of calls side by side."""
    with ThreadPoolExecutor(1) as thread:
        beside = thread.submit(first)
        result = second()
        return beside.result(), result
