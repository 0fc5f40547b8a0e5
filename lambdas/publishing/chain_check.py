"""Tells genuine rows from forged ones, as far as the hash chain can: records come through a channel, not the table.

A row is checked against the hash of the row before it (see `eventsourcing.chain`). Version 1 follows a constant. For
any other the hash is known if the row before is in the same batch, or if this container took it not long ago; else the
row is taken unchecked. The hash holds no secret: whoever knows the newest row's hash, which is published, can compute a
next row that passes. It is refused if this container took the genuine one before; otherwise the genuine one is refused
when it comes. Either way there is an alarm. ADR 8 says what this leaves open, and what else shows it.

Without forgery nothing is refused, however rows are repeated, cut into batches or ordered: a version has one row.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.rows import EventRow

StreamRecord: TypeAlias = Mapping[str, Any]

KNOWN_ROWS: Final = 20_000
"""Rows that a container remembers, by two hashes each: some 10 MB, the rows of at least 20 batches."""


class Inserted(msgspec.Struct, frozen=True):
    """A record of the stream that says INSERT, and its row."""

    row: EventRow
    record: StreamRecord


class Refused(msgspec.Struct, frozen=True):
    """An INSERT that the table's own chain contradicts, and how."""

    inserted: Inserted
    reason: str


class _Known(msgspec.Struct, frozen=True, gc=False):
    """The hash that a row carries, and a digest of all of it: not every row's own hash could be checked."""

    hash: bytes
    digest: bytes

    @classmethod
    def of(cls, row: EventRow) -> _Known:
        return cls(row.hash, row_hash(row.hash, row))


class ChainCheck:
    """Checks the rows of one batch after the other, and remembers the newest that it took (an LRU)."""

    def __init__(self, known_rows: int = KNOWN_ROWS) -> None:
        self._capacity = known_rows
        self._known: OrderedDict[tuple[str, int], _Known] = OrderedDict()

    def check(self, versions: Mapping[int, Sequence[Inserted]]) -> tuple[list[Inserted], list[Refused]]:
        """One account's INSERTs of a batch, by version in order of arrival: those to publish, sorted, and the others.

        Of two different INSERTs of a version the first that passes is taken. A row after a refused one is checked
        against the hash that the refused one claims, so that it goes on.
        """
        taken: list[Inserted] = []
        refused: list[Refused] = []
        before: EventRow | None = None
        for version in sorted(versions):
            candidates = versions[version]
            previous = self._hash_before(candidates[0].row, before)
            objections = [self._objection(each.row, previous) for each in candidates]
            chosen = candidates[objections.index("")] if "" in objections else None
            for each, objection in zip(candidates, objections, strict=True):
                if objection:
                    refused.append(Refused(each, objection))
                elif chosen is not None and each.row != chosen.row:
                    refused.append(Refused(each, f"another row came before it as version {version}"))
            if chosen is not None:
                taken.append(chosen)
                self._remember(chosen.row)
            before = (chosen or candidates[0]).row
        return taken, refused

    def _hash_before(self, row: EventRow, before: EventRow | None) -> bytes | None:
        """The hash of the row before: what was taken counts more than what the batch claims. None: not known."""
        if row.version == 1:
            return GENESIS
        known = self._known.get((row.stream_id, row.version - 1))
        if known is not None:
            return known.hash
        return before.hash if before is not None and before.version == row.version - 1 else None

    def _objection(self, row: EventRow, previous: bytes | None) -> str:
        known = self._known.get((row.stream_id, row.version))
        if known is not None and known != _Known.of(row):
            return f"another row came before it as version {row.version}"
        if previous is not None and row_hash(previous, row) != row.hash:
            return f"its hash does not follow from version {row.version - 1}"
        return ""

    def _remember(self, row: EventRow) -> None:
        key = (row.stream_id, row.version)
        self._known[key] = _Known.of(row)
        self._known.move_to_end(key)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
