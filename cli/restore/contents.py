"""What three restored tables hold, as far as it tells whether commits are whole.

Each table is read once, by a parallel and strongly consistent Scan, which is charged for everything it reads: one unit
for 4 KB. Of a row stays what `partial` and `published` compare: about half a kilobyte of memory, 500 MB for a million.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec
from botocore.exceptions import ClientError

from cli.errors import UnavailableError, UsageError
from cli.restore.clients import code
from cli.restore.names import Tables
from cli.storage.table_scan import Page, scan
from lambdas.accounts.events import AccountEvent, TransferReceived, TransferSent
from lambdas.accounts.state import Account as State
from lambdas.accounts.state import evolve
from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.dynamodb_items import item_to_receipt, item_to_row
from lambdas.eventsourcing.errors import ChainBrokenError, CorruptRowError, UnknownSchemaError
from lambdas.eventsourcing.rows import EventRow, Metadata, Receipt
from lambdas.eventsourcing.verifier import StreamChain
from lambdas.inbox import table
from lambdas.service.decider import ACCOUNT_DECIDER
from lambdas.service.derived_ids import effect_id

T = TypeVar("T")

_EMPTY: Final = State("open", "", 0, 0)
_metadata: msgspec.json.Decoder[Metadata] = msgspec.json.Decoder(Metadata)
NOT_FOUND: Final = "ResourceNotFoundException"


class Fact(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One row. `moved` is what its event adds to the balance, in minor units.

    `transfer` is set on both sides of one; `other` is then the other account, and `sent` tells which side this is.
    """

    hash: bytes
    commit_id: str
    command_id: str
    keyed: bool
    recorded_at: str
    currency: str
    moved: int
    transfer: str = ""
    other: str = ""
    sent: bool = False


class Account:
    """The rows of one account, in whatever order they come; they are verified as soon as those before them are."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self.facts: dict[int, Fact] = {}
        self.broken: ChainBrokenError | None = None
        self.chain = StreamChain(account_id, ACCOUNT_DECIDER)
        self._waiting: dict[int, EventRow] = {}

    def add(self, row: EventRow) -> None:
        """A row of the account."""
        try:
            self.facts[row.version] = fact_of(row)
        except (UnknownSchemaError, msgspec.MsgspecError, ValueError) as error:
            self.broken = self.broken or ChainBrokenError(self.account_id, row.version, f"it does not decode: {error}")
        self._waiting[row.version] = row
        while self.broken is None and (following := self._waiting.pop(self.chain.version + 1, None)) is not None:
            try:
                self.chain.take(following)
            except ChainBrokenError as error:
                self.broken = error
        if self.broken is not None:
            self._waiting.clear()

    def refuse(self, error: CorruptRowError) -> None:
        """A row that cannot be read at all."""
        self.broken = self.broken or ChainBrokenError(self.account_id, error.version, error.reason)
        self._waiting.clear()

    @property
    def newest(self) -> int:
        """The highest version that is there."""
        return max(self.facts, default=0)

    @property
    def head(self) -> int:
        """The highest version up to which none is missing."""
        if self.broken is None:
            return self.chain.version
        head = 0
        while head + 1 in self.facts:
            head += 1
        return head

    def balance(self, version: int) -> int:
        """The balance at a version, in minor units."""
        return sum(fact.moved for each, fact in self.facts.items() if each <= version)


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A stored command; `effect` is what its events are called by."""

    account_id: str
    command_id: str
    effect: str
    status: str
    version: int | None
    commit_id: str


class Contents(msgspec.Struct):
    """The three tables, and the units that reading them took."""

    accounts: dict[str, Account]
    receipts: list[Receipt]
    commands: list[Command]
    read_units: float = 0.0


def fact_of(row: EventRow) -> Fact:
    """What is kept of a row. Raises UnknownSchemaError, MsgspecError."""
    event: AccountEvent = ACCOUNT_DECIDER.codec.decode(row.type, row.schema, row.data)
    metadata = _metadata.decode(row.metadata)
    transfer, other, sent = "", "", False
    match event:
        case TransferSent():
            transfer, other, sent = event.transfer_id, event.to_account_id, True
        case TransferReceived():
            transfer, other = event.transfer_id, event.from_account_id
    return Fact(
        hash=row.hash,
        commit_id=row.commit_id,
        command_id=metadata.command_id,
        keyed=metadata.keyed,
        recorded_at=row.recorded_at,
        currency=event.currency,
        moved=evolve(_EMPTY, event).balance,
        transfer=transfer,
        other=other,
        sent=sent,
    )


def read_contents(client: Any, tables: Tables, counted: Callable[[int], None] = lambda _: None) -> Contents:
    """Read all three tables; `counted` gets the number of rows of each page. Raises UsageError, UnavailableError."""
    found = Contents({}, [], [])
    accounts = _scan(client, tables.events, _accounts, found, counted)
    found.accounts = {account_id: account for part in accounts for account_id, account in part.items()}
    for receipts in _scan(
        client, tables.receipts, lambda items: [item_to_receipt(each) for each in items], found, counted
    ):
        found.receipts += receipts
    for commands in _scan(client, tables.commands, _commands, found, counted):
        found.commands += commands
    return found


def _scan(
    client: Any,
    name: str,
    read: Callable[[Iterator[Mapping[str, Any]]], T],
    found: Contents,
    counted: Callable[[int], None],
) -> list[T]:
    units: list[float] = []

    def items(pages: Iterator[Page]) -> Iterator[Mapping[str, Any]]:
        for page in pages:
            units.append(page["ConsumedCapacity"]["CapacityUnits"])
            counted(len(page["Items"]))
            yield from page["Items"]

    try:
        parts = scan(client, {"TableName": name, "ConsistentRead": True}, lambda pages: read(items(pages)))
    except FAILURES as error:
        if isinstance(error, ClientError) and code(error) == NOT_FOUND:
            raise UsageError(f"There is no table {name}: `daybook restore run` makes it.") from error
        raise UnavailableError(f"{name} cannot be scanned: {error}") from error
    found.read_units += sum(units)
    return parts


def _accounts(items: Iterator[Mapping[str, Any]]) -> dict[str, Account]:
    """A segment's accounts: all rows of one are in the same segment."""
    found: dict[str, Account] = {}
    for item in items:
        account_id = str(item["stream_id"]["S"])
        account = found.setdefault(account_id, Account(account_id))
        try:
            account.add(item_to_row(item))
        except CorruptRowError as error:
            account.refuse(error)
    return found


def _commands(items: Iterator[Mapping[str, Any]]) -> list[Command]:
    return [_command(each) for each in items if table.STATUS in each]


def _command(item: Mapping[str, Any]) -> Command:
    account_id, command_id = item[table.HASH_KEY]["S"], item[table.RANGE_KEY]["S"]
    return Command(
        account_id=account_id,
        command_id=command_id,
        effect=effect_id(account_id, command_id),
        status=item[table.STATUS]["S"],
        version=int(item[table.VERSION]["N"]) if table.VERSION in item else None,
        commit_id=item.get(table.COMMIT_ID, {}).get("S", ""),
    )
