"""Finishes a seal: all that follows from it and from the seals before it.

In this order: tiles and entry bundles, index, `checkpoints/<n>`, `checkpoint`, topic, and the note that it is done.
Each step may be done again, by any sealer: what is there already must be what would be written.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from itertools import islice
from typing import Final, NamedTuple

from lambdas.transparency import checkpoint
from lambdas.transparency.applying import apply_seal
from lambdas.transparency.checkpoint import Checkpoint
from lambdas.transparency.errors import LogConflictError, LogUnavailableError, MalformedError
from lambdas.transparency.index import LogIndex, Progress
from lambdas.transparency.log_store import CHECKPOINT, LogStore
from lambdas.transparency.seal import Seal, SealHeader, checkpoint_name, seal_name
from lambdas.transparency.signer import Announcer, Signer
from lambdas.transparency.tile_reader import TileReader
from lambdas.transparency.tiles import NOTE_TYPE, TILE_TYPE
from lambdas.transparency.tree import Frontier, TileWrite

_AT_ONCE: Final = 64
_ATTEMPTS: Final = 10


class Finished(NamedTuple):
    """A seal that is done, and the signed checkpoint after it."""

    header: SealHeader
    checkpoint: bytes


class Finisher:
    """Finishes seals one after the other."""

    def __init__(
        self, store: LogStore, index: LogIndex, signer: Signer, announcer: Announcer, executor: Executor
    ) -> None:
        """`executor` writes tiles, several at once."""
        self._store = store
        self._index = index
        self._signer = signer
        self._announcer = announcer
        self._executor = executor

    def newest(self) -> Finished | None:
        """The newest seal that is noted as done, if any. Raises LogUnavailableError, LogConflictError."""
        progress = self._index.progress()
        if progress is None:
            return None
        seal = self.seal(progress.seal)
        signed = self._store.get(checkpoint_name(progress.seal))
        if seal is None or signed is None or seal.header.size != progress.size:
            raise LogConflictError(f"the index says that seal {progress.seal} is done, and the bucket does not")
        return Finished(seal.header, signed.content)

    def seal(self, number: int) -> Seal | None:
        """A seal as it was decided; None if it was not yet. Raises LogUnavailableError, LogConflictError."""
        stored = self._store.get(seal_name(number))
        if stored is None:
            return None
        try:
            seal = Seal(stored.content)
        except MalformedError as error:
            raise LogConflictError(f"{seal_name(number)}: {error}") from error
        if seal.header.seal != number:
            raise LogConflictError(f"{seal_name(number)} says that it is seal {seal.header.seal}")
        return seal

    def finish(self, seal: Seal, before: Finished | None) -> Finished:
        """Do all that follows from a seal; `before` is the one before it.

        Raises LogUnavailableError, and LogConflictError if the log holds something else than what follows.
        """
        header = seal.header
        self._check_place(header, before)
        reader = TileReader(self._store)
        frontier = Frontier.read(reader, header.first_leaf)
        self._check_root(frontier, before)
        try:
            self._write_tiles(frontier.append(seal.entries()))
            self._write_tiles(frontier.partials())
            apply_seal(seal, self._index, reader)
        except MalformedError as error:
            raise LogConflictError(f"{seal_name(header.seal)}: {error}") from error
        after = Checkpoint(header.origin, header.size, frontier.root())
        signed = after.signed(self._signer)
        self._add(checkpoint_name(header.seal), signed, NOTE_TYPE)
        self._publish(signed, header, before)
        self._announcer.tell(signed)
        self._index.advance(Progress(header.seal, header.size))
        return Finished(header, signed)

    def _check_place(self, header: SealHeader, before: Finished | None) -> None:
        """A seal goes on where the one before ended, in the same log."""
        expected = (
            (before.header.seal + 1, before.header.size, before.header.origin) if before else (0, 0, header.origin)
        )
        if (header.seal, header.first_leaf, header.origin) != expected:
            raise LogConflictError(f"{seal_name(header.seal)} does not go on where the seal before it ends: {expected}")

    def _check_root(self, frontier: Frontier, before: Finished | None) -> None:
        """The tree to which leaves are added must be the one that was signed, byte for byte: else a changed tile, or a
        checkpoint that somebody put there, would get a signature of the key."""
        if before is None:
            return
        expected = Checkpoint(before.header.origin, frontier.size, frontier.root())
        name = checkpoint_name(before.header.seal)
        if not before.checkpoint.startswith(f"{expected.text()}\n".encode()):
            raise LogConflictError(f"the tiles of size {frontier.size} do not have the root that {name} says")
        if before.checkpoint != expected.signed(self._signer):
            raise LogConflictError(f"{name} is not signed by the log's key")

    def _write_tiles(self, writes: Iterable[TileWrite]) -> None:
        writes = iter(writes)
        while some := list(islice(writes, _AT_ONCE)):
            for _ in self._executor.map(lambda each: self._add(each.name, each.content, TILE_TYPE), some):
                pass

    def _add(self, name: str, content: bytes, content_type: str) -> None:
        """Put an object, or see that it is there."""
        if self._store.add(name, content, content_type):
            return
        found = self._store.get(name)
        if found is None or found.content != content:
            raise LogConflictError(f"{name} does not hold what follows from the seals")

    def _publish(self, signed: bytes, header: SealHeader, before: Finished | None) -> None:
        """Put the newest checkpoint in the place of the one before, unless a newer one is there already."""
        for _ in range(_ATTEMPTS):
            found = self._store.get(CHECKPOINT)
            if found and found.content == signed:
                return
            if found and _size_of(found.content) > header.size and self.seal(header.seal + 1):
                return
            if (found and found.content) != (before and before.checkpoint):
                raise LogConflictError(
                    f"{CHECKPOINT} is neither the one before {seal_name(header.seal)} nor a later one"
                )
            if self._store.replace(CHECKPOINT, signed, NOTE_TYPE, tag=found.tag if found else ""):
                return
        raise LogUnavailableError("other sealers replace the newest checkpoint all the time")


def _size_of(signed: bytes) -> int:
    try:
        return checkpoint.of_note(signed).size
    except MalformedError as error:
        raise LogConflictError(f"{CHECKPOINT}: {error}") from error
