"""Finds commits that a restored ledger holds in part, and what has to go so that it holds whole ones only. Pure.

A restore may bring back some items of a transaction and not others (AWS Backup Developer Guide, "Restore a DynamoDB
table": transactions may be partially restored). What belongs together, by the rows alone:

- the two sides of a transfer, by its id;
- an event and the receipt of its request: the event's metadata says that there is one, the receipt names the commit;
- an event and the end of its stored command: the event's cause is derived from the command's key;
- all earlier versions of the account.

An event that lacks its other part is cut off, and all later events of its account with it: they were decided on what it
left. That may take the other part from others, so it is done until nothing changes. A receipt whose event is gone goes,
and an ended command whose event is gone is pending again: otherwise a client is told 200 for what is gone. A command
that has not ended although its event stands ends as its event says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from cli.restore.contents import Command, Contents, Fact
from lambdas.eventsourcing.rows import Receipt
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.httpapi.idempotency import TIME_TO_LIVE
from lambdas.httpapi.replies import Reply
from lambdas.inbox import table
from lambdas.service.derived_ids import is_derived

FIRST_ERROR: Final = 400
_reply: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


class Cut(msgspec.Struct, frozen=True):
    """An account's events from a version to its newest have to go."""

    account_id: str
    first: int
    last: int
    reason: str


class End(msgspec.Struct, frozen=True):
    """A stored command has not ended as its event says: at which version, with what balance, when, by which commit."""

    command: Command
    version: int
    balance: int
    completed_at: str
    commit_id: str


class Partial(msgspec.Struct):
    """What is not whole. Once all of it is mended nothing of it is found again.

    `contradictions` are sentences about what no restore makes; nothing is done about those.
    """

    cuts: list[Cut] = []
    receipts: list[Receipt] = []
    reopened: list[Command] = []
    ended: list[End] = []
    contradictions: list[str] = []

    @property
    def found(self) -> bool:
        """Whether anything is not whole."""
        return bool(self.cuts or self.receipts or self.reopened or self.ended or self.contradictions)


def find_partial(contents: Contents, now: datetime) -> Partial:
    """What is not whole in restored tables. `now`: receipts that have expired need not be there."""
    heads = _Heads(contents, now)
    heads.close()
    found = Partial(cuts=list(heads.cuts()))
    found.receipts = [each for each in contents.receipts if _tells_success(each) and not heads.proves(each)]
    standing = heads.by_effect()
    for command in contents.commands:
        _judge(command, standing.get((command.effect, command.account_id)), heads, found)
    return found


def _tells_success(receipt: Receipt) -> bool:
    """Whether it says that the command took effect; a remembered refusal has no event."""
    return _reply.decode(receipt.response).status < FIRST_ERROR


def _judge(command: Command, version: int | None, heads: _Heads, found: Partial) -> None:
    if version is None:
        if command.status == table.SUCCEEDED:
            found.reopened.append(command)
        return
    account = heads.accounts[command.account_id]
    fact = account.facts[version]
    if (command.status, command.version, command.commit_id) == (table.SUCCEEDED, version, fact.commit_id):
        return
    if command.status == table.REJECTED:
        found.contradictions.append(
            f"the stored command {command.command_id} of {command.account_id} says REJECTED, and is version {version}"
        )
        return
    found.ended.append(End(command, version, account.balance(version), fact.recorded_at, fact.commit_id))


class _Heads:
    """Up to which version each account stands; they only ever go down."""

    def __init__(self, contents: Contents, now: datetime) -> None:
        self.accounts = contents.accounts
        self._heads = {each.account_id: each.head for each in contents.accounts.values()}
        self._reasons: dict[str, str] = {}
        self._receipts = {(each.scope, each.commit_id) for each in contents.receipts}
        self._effects = {each.effect for each in contents.commands}
        self._expired = format_timestamp(now - TIME_TO_LIVE)
        self._transfers: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for account in contents.accounts.values():
            for version, fact in account.facts.items():
                if fact.transfer:
                    self._transfers[fact.transfer].append((account.account_id, version))

    def close(self) -> None:
        """Cut until every event that stands has its other part."""
        for account in self.accounts.values():
            if account.newest > account.head and account.broken is None:
                self._reasons[account.account_id] = f"version {account.head + 1} is missing"
        waiting = [(account_id, version) for account_id, account in self.accounts.items() for version in account.facts]
        waiting.sort()
        while waiting:
            account_id, version = waiting.pop()
            fact = self.accounts[account_id].facts[version]
            if self.stands(account_id, version) and (reason := self._lacking(account_id, version, fact)):
                waiting += self._cut(account_id, version, reason)

    def _cut(self, account_id: str, first: int, reason: str) -> Iterator[tuple[str, int]]:
        """Cut an account; gives the other sides of the transfers among what goes."""
        account, last = self.accounts[account_id], self._heads[account_id]
        self._heads[account_id], self._reasons[account_id] = first - 1, f"{account_id}/{first} {reason}"
        for version in range(first, last + 1):
            if fact := account.facts.get(version):
                yield from (each for each in self._transfers.get(fact.transfer, ()) if each[0] != account_id)

    def _lacking(self, account_id: str, version: int, fact: Fact) -> str:
        """What an event lacks, in words that continue a sentence; "" if it is whole."""
        if fact.transfer and not self._has_other_side(fact):
            return f"has no other side on {fact.other}"
        if is_derived(fact.command_id):
            if fact.command_id not in self._effects:
                return "is of a stored command that is not there"
        elif fact.keyed and not self._has_receipt(account_id, version, fact):
            return "has no receipt"
        return ""

    def _has_other_side(self, fact: Fact) -> bool:
        for account_id, version in self._transfers[fact.transfer]:
            other = self.accounts[account_id].facts[version]
            if account_id == fact.other and other.sent != fact.sent:
                return self.stands(account_id, version)
        return False

    def _has_receipt(self, account_id: str, version: int, fact: Fact) -> bool:
        """An opening under a key proves itself, and the receipt of a transfer stands under its sender."""
        if (version == 1 and is_derived(account_id)) or fact.recorded_at <= self._expired:
            return True
        scope = fact.other if fact.transfer and not fact.sent else account_id
        return (scope, fact.commit_id) in self._receipts

    def stands(self, account_id: str, version: int) -> bool:
        """Whether an event is not cut off."""
        return version <= self._heads.get(account_id, 0)

    def cuts(self) -> Iterator[Cut]:
        """What goes, by account."""
        for account_id, account in sorted(self.accounts.items()):
            if account.newest > self._heads[account_id] and account_id in self._reasons:
                yield Cut(account_id, self._heads[account_id] + 1, account.newest, self._reasons[account_id])

    def proves(self, receipt: Receipt) -> bool:
        """Whether the event stands that a receipt tells of."""
        account = self.accounts.get(receipt.scope)
        fact = account.facts.get(receipt.version) if account else None
        return fact is not None and fact.commit_id == receipt.commit_id and self.stands(receipt.scope, receipt.version)

    def by_effect(self) -> dict[tuple[str, str], int]:
        """The version that stands of a stored command's effect, by the effect and the account."""
        return {
            (fact.command_id, account_id): version
            for account_id, account in self.accounts.items()
            for version, fact in account.facts.items()
            if is_derived(fact.command_id) and self.stands(account_id, version)
        }
