"""Writes rows with the proof of the last one, page by page. Every row is verified before the file stands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cli.environments.log import Log
from cli.errors import CommandError, UnavailableError, plain
from cli.progress import Steps
from cli.storage.writing import writing
from lambdas.eventsourcing.chain import GENESIS, row_hash
from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError, ReadUnavailableError
from lambdas.eventsourcing.row_reader import RowReader
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.store import EventStore
from lambdas.transparency.hashing import leaf_hash
from lambdas.transparency.leaves import RowLeaf, encode_leaf
from lambdas.transparency.row_bundle import head_line, row_line
from lambdas.transparency.tile_reader import TileReader
from lambdas.transparency.tlog_proof import TlogProof

if TYPE_CHECKING:
    from cli.prove.proving import Proved


def write_rows(log: Log, store: EventStore, proof: TlogProof, told: Proved, *, first: int) -> None:
    """Write the rows `first` … the proved one. Raises CommandError, TransparencyError."""
    try:
        rows = _rows(store, told.account_id, first - 1, told.version)
        previous = GENESIS if first == 1 else next(rows).hash
        with writing(Path(told.file)) as file, Steps("Writing rows", told.version - first + 1, rate=True) as steps:
            file.write(head_line(told.account_id, previous, proof.encode()))
            last = previous
            for row in rows:
                if row.hash != row_hash(last, row):
                    raise _differs(told, row.version, "its hash is not that of the row and the one before it")
                last = row.hash
                file.write(row_line(row))
                steps.advance()
            if last != told.hash:
                version = _first_bad(log, store, told, first)
                raise _differs(told, version, "its hash is another, though it fits the row: it was computed anew")
    except InconsistentReadError as error:
        raise CommandError(
            f"The event table is not whole: version {error.version} of {told.account_id} is missing, and the log holds "
            f"the account up to version {told.version}. Nothing was written."
        ) from error
    except CorruptRowError as error:
        raise _differs(told, error.version, plain(error)) from error
    except ReadUnavailableError as error:
        raise UnavailableError(f"The event table does not answer: {plain(error)}.") from error


def _rows(store: EventStore, account_id: str, after: int, up_to: int) -> Iterator[EventRow]:
    """The rows after < version ≤ up_to, and the one before them if there is one."""
    return RowReader(store).read(account_id, after=max(0, after - 1), up_to=up_to)


def _differs(told: Proved, version: int, why: str) -> CommandError:
    return CommandError(
        f"Version {version} of {told.account_id} is not the row that was sealed: {why}. Nothing was written; "
        f"`daybook verify {told.account_id}` and `daybook reconcile` say more."
    )


def _first_bad(log: Log, store: EventStore, told: Proved, first: int) -> int:
    """The first version whose hash in the event table is not that in the log."""
    reader = TileReader(log.store)
    for run in log.index.runs(told.account_id, first=first, last=told.version):
        known = reader.hashes(0, run.first_leaf, run.first_leaf + run.count, told.size)
        rows = RowReader(store).read(
            told.account_id, after=run.first_version - 1, up_to=min(run.first_version + run.count - 1, told.version)
        )
        for row, leaf in zip(rows, known, strict=False):
            if leaf_hash(encode_leaf(RowLeaf(told.account_id, row.version, row.hash))) != leaf:
                return row.version
    return told.version
