"""What a row of the event table stands for in each comparison: a text that the other side makes of its own, too.

lake: the digest of all that is published of the event. log: its leaf. commands: the effect of the stored command that
led to it. receipts: the commit in which the receipt of its request was put.
"""

from __future__ import annotations

from typing import Final

import msgspec

from lambdas.accounts.events import TransferReceived
from lambdas.contracts.contents import digest_text
from lambdas.contracts.domain_events import domain_event
from lambdas.eventsourcing.rows import EventRow, Metadata
from lambdas.service.derived_ids import is_derived
from lambdas.transparency.leaves import RowLeaf, encode_leaf
from lambdas.verification.results import Terms

LAKE: Final = "lake"
LOG: Final = "log"
COMMANDS: Final = "commands"
RECEIPTS: Final = "receipts"

RECEIVED: Final = TransferReceived.__name__
"""Of a transfer's two events the one that a command or a receipt does not point at."""

_metadata = msgspec.json.Decoder(Metadata)


def leaf_text(account_id: str, version: int, row_hash: bytes) -> str:
    """An event in the log."""
    return encode_leaf(RowLeaf(account_id, version, row_hash)).decode()


def effect_text(account_id: str, version: int, effect: str) -> str:
    """An event that a stored command led to; `effect` is what its metadata call the command."""
    return f"{account_id}/{version} {effect}"


def commit_text(account_id: str, version: int, commit_id: str) -> str:
    """An event with which a receipt was put."""
    return f"{account_id}/{version} {commit_id}"


def metadata_of(text: str) -> Metadata:
    """The metadata of a row. Raises MsgspecError, ValueError."""
    return _metadata.decode(text)


class RowDigests:
    """Makes the texts of rows, as the terms of a verification say which rows count."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def of(self, row: EventRow, sealed: int) -> dict[str, str]:
        """The text for each comparison in which the row counts. `sealed` is the account's newest version in the log.

        Raises NotPublishableError for a row that no other side can know.
        """
        found: dict[str, str] = {}
        if row.version <= sealed:
            found[LOG] = leaf_text(row.stream_id, row.version, row.hash)
        if row.recorded_at < self._terms.settled:
            found[LAKE] = digest_text(domain_event(row))
            if row.type != RECEIVED:
                found |= self._caused(row)
        return found

    def _caused(self, row: EventRow) -> dict[str, str]:
        """By its metadata, which decode: a domain event could be made of the row."""
        metadata = metadata_of(row.metadata)
        found: dict[str, str] = {}
        if is_derived(metadata.command_id):
            found[COMMANDS] = effect_text(row.stream_id, row.version, metadata.command_id)
        if metadata.keyed and row.recorded_at >= self._terms.keyed_since:
            found[RECEIPTS] = commit_text(row.stream_id, row.version, row.commit_id)
        return found
