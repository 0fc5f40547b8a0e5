"""Writes rows with the proof of the last one, page by page. Every row is verified before the file stands.

That the last row stands in the log does not say it of the earlier ones: who wrote them anew before the last one was
sealed has a chain that leads to it. So each row is compared with its own entry of the log.
"""

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
from lambdas.transparency.tiles import WIDTH
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
            for row, leaf in zip(rows, _sealed(log, told, first), strict=False):
                if row.hash != row_hash(last, row):
                    raise _differs(told, row.version, "its hash is not that of the row and the one before it")
                if leaf_hash(encode_leaf(RowLeaf(told.account_id, row.version, row.hash))) != leaf:
                    raise _differs(
                        told, row.version, "its hash is another, though it fits the row: it was computed anew"
                    )
                last = row.hash
                file.write(row_line(row))
                steps.advance()
            if last != told.hash:
                raise _differs(told, told.version, "the index leads to another entry than the proof")
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


def _sealed(log: Log, told: Proved, first: int) -> Iterator[bytes]:
    """The hashes of the log's leaves of the versions `first` … the proved one, as its tiles have them."""
    reader, wanted = TileReader(log.store, kept=1), first  # in one seal, versions stand in the order of their leaves
    for run in log.index.runs(told.account_id, first=first, last=told.version):
        if run.first_version > wanted:
            break
        place, end = run.first_leaf - run.first_version, min(run.first_version + run.count, told.version + 1)
        while wanted < end:
            leaf = place + wanted
            some = reader.hashes(0, leaf, min(place + end, (leaf // WIDTH + 1) * WIDTH), told.size)
            yield from some
            wanted += len(some)
    if wanted <= told.version:
        raise CommandError(
            f"The log's index does not lead to version {wanted} of {told.account_id}: `daybook seal --rebuild-index` "
            "makes the index again from the seals. Nothing was written."
        )
