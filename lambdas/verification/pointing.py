"""Receipts and ended commands: each points at an event, by account and version, that must stand in the event table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec
from msgspec import Struct

from lambdas.eventsourcing import dynamodb_schema as schema
from lambdas.eventsourcing.dynamodb_items import Item, item_to_receipt
from lambdas.eventsourcing.rows import Receipt
from lambdas.httpapi.replies import recall
from lambdas.inbox import table
from lambdas.service.derived_ids import effect_id
from lambdas.verification.findings import Finding
from lambdas.verification.lookup import FoundEvent, Lookup, Place
from lambdas.verification.results import SegmentResult, Terms
from lambdas.verification.row_digests import RECEIVED, commit_text, effect_text, metadata_of

REJECTED_FROM = 400
"""The status from which on an answer is a rejection."""


class Pointer(Struct, frozen=True):
    """Something that points at an event. `text` is what both sides compare (see row_digests)."""

    account_id: str
    version: int
    text: str


Checked: TypeAlias = tuple[list[Pointer], list[Finding]]


class PointerCheck(Protocol):
    """Checks the items of a page of receipts or of commands."""

    def check(self, items: Sequence[Item], result: SegmentResult) -> Checked:
        """Those that point at an event which the event table counts, too, and what is wrong with others.

        Items are counted in the result. Raises ReadUnavailableError.
        """
        ...


class ReceiptCheck:
    """A receipt was put with its event, in one commit. That of a rejection names the version that it is about."""

    def __init__(self, lookup: Lookup, terms: Terms) -> None:
        self._lookup = lookup
        self._terms = terms

    def check(self, items: Sequence[Item], result: SegmentResult) -> Checked:
        """See PointerCheck.check."""
        pointers: list[Pointer] = []
        findings: list[Finding] = []
        receipts: list[Receipt] = []
        result.receipts += len(items)
        for item in items:
            try:
                receipts.append(item_to_receipt(item))
            except (LookupError, TypeError, ValueError) as error:
                findings.append(_unreadable("receipt", item, schema.RECEIPT_TABLE_HASH_KEY, error))
        events = self._lookup.events([(each.scope, each.version) for each in receipts if each.version])
        for receipt in receipts:
            event = events.get((receipt.scope, receipt.version))
            wrong = _wrong_receipt(receipt, event)
            if wrong:
                text = f"the receipt {receipt.key} {wrong}"
                findings.append(Finding("receipt", receipt.scope, receipt.version, text))
            elif event is not None and event.commit_id == receipt.commit_id and self._counts(event):
                text = commit_text(receipt.scope, receipt.version, receipt.commit_id)
                pointers.append(Pointer(receipt.scope, receipt.version, text))
        return pointers, findings

    def _counts(self, event: FoundEvent) -> bool:
        if not self._terms.keyed_since <= event.recorded_at < self._terms.settled or event.type == RECEIVED:
            return False
        try:
            return metadata_of(event.metadata).keyed
        except (msgspec.MsgspecError, ValueError):
            return False


def _wrong_receipt(receipt: Receipt, event: FoundEvent | None) -> str:
    if event is not None and event.commit_id == receipt.commit_id:
        return ""
    try:
        status = recall(receipt.response, "").status
    except (msgspec.MsgspecError, ValueError) as error:
        return f"holds an answer that cannot be read: {error}"
    if status < REJECTED_FROM:
        return "is of a commit that is not that of this event" if event else "points at no event"
    return "" if event is not None or not receipt.version else "of a rejection points at no event"


class CommandCheck:
    """A command that succeeded names its event; others have none. One that is pending for too long is a finding."""

    def __init__(self, lookup: Lookup, terms: Terms) -> None:
        self._lookup = lookup
        self._terms = terms

    def check(self, items: Sequence[Item], result: SegmentResult) -> Checked:
        """See PointerCheck.check."""
        result.commands += len(items)
        findings: list[Finding] = []
        succeeded: list[_Command] = []
        for item in items:
            try:
                command = _command(item)
            except (LookupError, TypeError, ValueError) as error:
                findings.append(_unreadable("command", item, table.HASH_KEY, error))
                continue
            result.pending += command.status == table.PENDING
            if command.status == table.SUCCEEDED:
                succeeded.append(command)
            else:
                findings += self._without_event(command)
        events = self._lookup.events([each.place for each in succeeded])
        return list(self._pointers(succeeded, events, findings)), findings

    def _without_event(self, command: _Command) -> Iterator[Finding]:
        if command.status not in {table.PENDING, table.REJECTED, table.FAILED}:
            yield command.finding(f"has the status {command.status!r}")
        elif command.version:
            yield command.finding(f"is {command.status} and names an event")
        elif command.status == table.PENDING and command.submitted_at < self._terms.pending_before:
            now = self._lookup.command(command.account_id, command.command_id)
            if now is not None and _text(now, table.STATUS) == table.PENDING:
                text = f"the command {command.command_id} is PENDING since {command.submitted_at}"
                yield Finding("pending", command.account_id, 0, text)

    def _pointers(
        self, commands: Iterable[_Command], events: Mapping[Place, FoundEvent], findings: list[Finding]
    ) -> Iterator[Pointer]:
        for command in commands:
            event = events.get(command.place)
            effect = effect_id(command.account_id, command.command_id)
            if event is None:
                findings.append(command.finding("points at no event"))
            elif event.commit_id != command.commit_id:
                findings.append(command.finding("is of a commit that is not that of this event"))
            elif not _has_caused(event, effect):
                findings.append(command.finding("has not caused the event that it points at"))
            elif event.recorded_at < self._terms.settled:
                yield Pointer(*command.place, effect_text(*command.place, effect))


class _Command(Struct, frozen=True):
    account_id: str
    command_id: str
    status: str
    submitted_at: str
    commit_id: str
    version: int

    @property
    def place(self) -> Place:
        return self.account_id, self.version

    def finding(self, text: str) -> Finding:
        return Finding("command", self.account_id, self.version, f"the command {self.command_id} {text}")


def _command(item: Item) -> _Command:
    status = item[table.STATUS]["S"]
    version = int(item[table.VERSION]["N"]) if status == table.SUCCEEDED or table.VERSION in item else 0
    return _Command(
        item[table.HASH_KEY]["S"],
        item[table.RANGE_KEY]["S"],
        status,
        item[table.SUBMITTED_AT]["S"] if status == table.PENDING else "",
        item[table.COMMIT_ID]["S"] if status == table.SUCCEEDED else "",
        version,
    )


def _has_caused(event: FoundEvent, effect: str) -> bool:
    try:
        return metadata_of(event.metadata).command_id == effect and event.type != RECEIVED
    except (msgspec.MsgspecError, ValueError):
        return False


def _text(item: Item, name: str) -> str:
    return str(item.get(name, {}).get("S", ""))


def _unreadable(kind: str, item: Item, hash_key: str, error: Exception) -> Finding:
    key = _text(item, schema.RECEIPT_TABLE_RANGE_KEY if kind == "receipt" else table.RANGE_KEY)
    reason = f"the {kind} {key} cannot be read: {error!r}"
    return Finding("receipt" if kind == "receipt" else "command", _text(item, hash_key), 0, reason)
