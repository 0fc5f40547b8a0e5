"""Proves that one checkpoint's log begins with all of an earlier one's."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cli.consistency.kept import Kept, entries, newest, read
from cli.environments.log import Log, answering
from cli.errors import CommandError, ExitStatus, UsageError
from cli.output import Outcome, Output
from cli.storage.writing import write_file
from lambdas.transparency.consistency import ConsistencyProof
from lambdas.transparency.errors import ProofError
from lambdas.transparency.proofs import verify_consistency
from lambdas.transparency.proving import Prover
from lambdas.transparency.texts import base64_text


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """Two checkpoints and whether the newer one's log begins with the older one's. Roots are Base64."""

    consistent: bool
    origin: str
    old_size: int
    old_root: bytes
    new_size: int
    new_root: bytes
    hashes: int
    said: str
    file: str | None = None


def check(log: Log, old: str, new: str | None, out: Path | None, output: Output) -> Outcome:
    """Compare two checkpoints, given as files or sizes. Raises CommandError."""
    with answering():
        older = read(log, old)
        newer = newest(log) if new is None else read(log, new)
        if newer.size < older.size and new is not None:
            raise UsageError(f"NEW has {newer.size:,} entries and OLD {older.size:,}: give the older one first.")
        if newer.origin != older.origin:
            raise CommandError(
                f"these are checkpoints of two logs, {older.origin} and {newer.origin}, both signed by this key: "
                "a log was begun anew."
            )
        found, why = _proof(log, older, newer)
    return _outcome(older, newer, found, why, out, output)


def _proof(log: Log, older: Kept, newer: Kept) -> tuple[tuple[bytes, ...], str]:
    """The hashes that lead from one root to the other; and if they do not, a sentence.

    Raises LogUnavailableError, and LogConflictError if the log's tiles are not those of its checkpoint.
    """
    if newer.size < older.size:
        return (), f"The log was rewritten: it had {entries(older.size)} and has {newer.size:,}."
    hashes = Prover(log.store, log.index).consistency(older.size, checkpoint=newer.signed).hashes
    try:
        verify_consistency(older.size, older.root, newer.size, newer.root, hashes)
    except ProofError:
        return hashes, (
            f"The log was rewritten: its first {entries(older.size)} are not those of {older.named}, whose root is "
            f"{base64_text(older.root)}."
        )
    return hashes, ""


def _outcome(
    older: Kept, newer: Kept, hashes: tuple[bytes, ...], why: str, out: Path | None, output: Output
) -> Outcome:
    said = why or (
        f"Nothing of the log's first {entries(older.size)} was changed, removed or moved between {older.named} and "
        f"{newer.named} ({entries(newer.size)})."
    )
    output.line(said)
    file = None
    if out is not None and not why:
        file = write_file(out, ConsistencyProof(older.size, hashes, newer.signed).encode())
        output.line(f"The proof is in {file}.")
    found = Consistency(
        consistent=not why,
        origin=newer.origin,
        old_size=older.size,
        old_root=older.root,
        new_size=newer.size,
        new_root=newer.root,
        hashes=len(hashes),
        said=said,
        file=file,
    )
    return Outcome(found, ExitStatus.FINDING if why else ExitStatus.OK, said if why else "")
