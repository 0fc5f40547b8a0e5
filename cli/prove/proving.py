"""Proves events and rows: finds the proof in the log, verifies it, and writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

from cli.environments.log import Log, answering
from cli.output import Outcome, Output
from cli.prove.asked import Asked
from cli.prove.missing import missing, nothing_to_prove
from cli.prove.rows import write_rows
from cli.storage.writing import write_file
from lambdas.eventsourcing.store import EventStore
from lambdas.transparency.errors import NotInLogError
from lambdas.transparency.leaves import RowLeaf, decode_leaf
from lambdas.transparency.proving import Prover
from lambdas.transparency.row_bundle import SUFFIX
from lambdas.transparency.tlog_proof import TlogProof

PROOF: Final = ".tlog-proof"
CHECKER: Final = "tools/verify_proof.py"


class Proved(msgspec.Struct, frozen=True, kw_only=True):
    """What was written to `file`: the proof of an event, with its row (`row`) or with all rows up to it (`history`).

    `hash` is that of the newest row, `leaf` its place in the log (origin, size and root: the checkpoint's), `vkey` the
    key that signed the checkpoint. Bytes are Base64.
    """

    kind: Literal["event", "row", "history"]
    account_id: str
    version: int
    hash: bytes
    leaf: int
    origin: str
    size: int
    root: bytes
    vkey: str
    file: str


def prove_event(log: Log, store: EventStore, asked: Asked, version: int, output: Output) -> Outcome:
    """Write the proof of one event, which holds its hash and its place and nothing else. Raises CommandError."""
    with answering():
        proof, told = _verified(log, store, asked, version, "event", PROOF)
    write_file(Path(told.file), proof.encode())
    return _outcome(told, f"Version {version} of {asked.account_id} stands in the log", "proof", output)


def prove_row(log: Log, store: EventStore, asked: Asked, version: int, output: Output) -> Outcome:
    """Write one row with its proof. Raises CommandError."""
    with answering():
        proof, told = _verified(log, store, asked, version, "row", SUFFIX)
        write_rows(log, store, proof, told, first=version)
    return _outcome(told, f"The row of version {version} of {asked.account_id} stands in the log", "rows", output)


def prove_history(log: Log, store: EventStore, asked: Asked, output: Output) -> Outcome:
    """Write all rows up to the account's newest one in the log, with the proof of that. Raises CommandError."""
    with answering():
        head = log.index.heads([asked.account_id]).get(asked.account_id)
        if head is None or head.version == 0:
            raise nothing_to_prove(log, store, asked, head)
        proof, told = _verified(log, store, asked, head.version, "history", SUFFIX)
        write_rows(log, store, proof, told, first=1)
    rows = f"All {head.version} rows of {asked.account_id} that the log holds"
    return _outcome(told, f"{rows} follow one another, and the newest stands in it", "rows", output)


def _verified(
    log: Log,
    store: EventStore,
    asked: Asked,
    version: int,
    kind: Literal["event", "row", "history"],
    suffix: str,
) -> tuple[TlogProof, Proved]:
    """The proof of an event, whose checkpoint's signature verifies. Raises CommandError, TransparencyError."""
    try:
        proof = Prover(log.store, log.index).proof(asked.account_id, version)
    except NotInLogError as error:
        raise missing(log, store, asked, version) from error
    checkpoint, leaf = log.opened(proof.checkpoint), decode_leaf(proof.extra)
    assert isinstance(leaf, RowLeaf)  # noqa: S101 - the prover has seen that it is this version's
    return proof, Proved(
        kind=kind,
        account_id=asked.account_id,
        version=version,
        hash=leaf.hash,
        leaf=proof.index,
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root,
        vkey=log.vkey(checkpoint.origin),
        file=str(asked.file(version, suffix)),
    )


def _outcome(told: Proved, what: str, way: str, output: Output) -> Outcome:
    output.line(f"{what} as entry {told.leaf:,} of {told.size:,}.")
    output.line(f"python3 {CHECKER} {way} {told.file} --key '{told.vkey}'")
    output.line("checks it anywhere. Take the key from where you keep it, not from here.")
    return Outcome(told)
