"""Reads a batch of the stream of domain events, as Lambda delivers it: what there is to fold, by account.

Source of the record format: AWS Lambda Developer Guide, "Process Amazon Kinesis Data Streams records with Lambda":
`kinesis.data` is Base64 text, and `eventID` is `<shard id>:<sequence number>`. A record holds one or more lines.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from lambdas.contracts.domain_events import NotPublishableError, UnreadableEventError
from lambdas.contracts.ledger_events import IgnoredDocumentError, PublishedEvent, decode_published
from lambdas.projections.folding.taken import Taken, UnreadableEvent

KinesisRecord: TypeAlias = Mapping[str, Any]

NO_RECORD = (LookupError, TypeError, AttributeError, ValueError)
"""What a record raises that is not as Lambda makes it."""


class Unattributable(msgspec.Struct, frozen=True):
    """A line that does not say what is to be done with it, nor whom it concerns: where it stands, and why."""

    sequence_number: str
    reason: str


class Reached(msgspec.Struct):
    """How far a batch goes in a shard: its last record, and when the newest of its events was recorded."""

    sequence_number: str
    recordedtime: str = ""


class Deliveries(msgspec.Struct, frozen=True):
    """The content of a batch. `accounts` has what is to be folded of each, in order of arrival.

    `ignored` counts documents of sources and types that are no events of an account. `shards` is by shard id.
    """

    accounts: dict[str, list[Taken]]
    unattributable: list[Unattributable]
    shards: dict[str, Reached]
    ignored: int = 0


def read_deliveries(records: Iterable[KinesisRecord]) -> Deliveries:
    """Read a batch. A line never raises: what cannot be read stops its account, or stands in `unattributable`."""
    accounts: dict[str, list[Taken]] = {}
    unattributable: list[Unattributable] = []
    shards: dict[str, Reached] = {}
    ignored = 0
    for record in records:
        shard, sequence_number = _place_of(record)
        reached = shards.setdefault(shard, Reached(sequence_number)) if shard else Reached(sequence_number)
        reached.sequence_number = sequence_number
        try:
            lines = a2b_base64(record["kinesis"]["data"], strict_mode=True).splitlines()
        except NO_RECORD as error:
            unattributable.append(Unattributable(sequence_number, f"no record of Kinesis: {error!r}"))
            continue
        for line in lines:
            try:
                account_id, taken = _taken(line)
            except IgnoredDocumentError:
                ignored += 1
            except NotPublishableError as error:
                unattributable.append(Unattributable(sequence_number, str(error)))
            else:
                accounts.setdefault(account_id, []).append(taken)
                reached.recordedtime = max(reached.recordedtime, taken.recordedtime)
    return Deliveries(accounts, unattributable, shards, ignored)


def _place_of(record: KinesisRecord) -> tuple[str, str]:
    """Shard id and sequence number; empty where the record does not say."""
    try:
        shard, _, sequence_number = record["eventID"].partition(":")
    except NO_RECORD:
        return "", ""
    return (shard, sequence_number) if shard and sequence_number.isdecimal() else ("", "")


def _taken(line: bytes) -> tuple[str, Taken]:
    """Raises NotPublishableError, IgnoredDocumentError."""
    try:
        event: PublishedEvent = decode_published(line)
    except UnreadableEventError as error:
        place = error.place
        unreadable = UnreadableEvent(place.subject, place.streamversion, place.rowhash, place.recordedtime, str(error))
        return place.subject, unreadable
    return event.subject, event
