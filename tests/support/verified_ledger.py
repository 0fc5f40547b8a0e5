"""A whole ledger on moto: tables, read models, lake and log, filled by the real code, for `daybook verify --all`.

The lake is Parquet in a folder, asked by DuckDB; the log is in memory, sealed by the real sealer. Time stands still
where a test puts it.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.app import main
from cli.aws import AWS
from cli.environments.log import Log
from cli.environments.place import Place
from cli.projections.models import Model, Models
from cli.verify.opening import LedgerTables, Size, Sizes
from lambdas.accounts.commands import AnyCommand, CreditAccount, OpenAccount, Transfer, WithdrawFromAccount
from lambdas.accounts.errors import DomainError
from lambdas.contracts.domain_events import domain_event
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.decider import Committed, Idempotency
from lambdas.eventsourcing.dynamodb_items import item_to_row
from lambdas.eventsourcing.item_walk import DynamoDBItemWalk
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow
from lambdas.eventsourcing.table_walk import DynamoDBTableWalk
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.httpapi.problems import problem_reply
from lambdas.httpapi.replies import json_reply, remember
from lambdas.projections.control import Control
from lambdas.projections.dynamodb.read_model import open_table
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.lag import Lag
from lambdas.projections.registry import PROJECTIONS
from lambdas.projections.stream.measuring import LagMeter
from lambdas.service.account_service import CommandContext
from lambdas.service.keys import stored_key
from lambdas.transparency.deciding import Restore, SealableRow
from lambdas.transparency.findings import Sealed
from lambdas.transparency.memory import MemoryAnnouncer, MemoryLogIndex, MemoryLogStore
from lambdas.transparency.sealer import Sealer, SealerOptions
from lambdas.verification.lookup import DynamoDBLookup
from lambdas.verification.walking import Tables
from tests.support.backends import NO_WAITING
from tests.support.bank import new_bank
from tests.support.commands import command_item, command_record, new_processor
from tests.support.dynamodb_tables import LockedClient, create_read_model_table, create_tables, moto_client, store_on
from tests.support.event_rows import account_id
from tests.support.log_signer import SeededSigner
from tests.support.paging import dynamodb_paginator
from tests.unit.analytics.lake import Lake, revocation

CALLER = "AIDAEXAMPLE"
BEGAN = datetime.fromisoformat("2026-03-01T09:00:00.000+00:00")
DAY = "2026-03-01"
LATER = timedelta(hours=6)
"""From the beginning to the verification."""
A, B, C, D = (account_id(number) for number in range(1, 5))
RECEIPT_SECONDS = 7 * 24 * 3600


class _Client(LockedClient):
    def get_paginator(self, operation: str) -> Any:
        return dynamodb_paginator(self, operation)


class _Meter(LagMeter):
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def measure(self, table: Any, deadline: Deadline) -> Lag | None:
        return Lag(events=0, seconds=0.0, measured_at=format_timestamp(self._clock()))


class _Clock:
    """Moves on by a second at each reading."""

    def __init__(self) -> None:
        self._next = itertools.count().__next__

    def __call__(self) -> datetime:
        return BEGAN + timedelta(seconds=self._next())


class VerifiedLedger(AWS):
    """The ledger, and the connections of a command to it. Tests tamper with its parts."""

    def __init__(self, client: Any, folder: Path) -> None:
        self.client = _Client(client)
        self.tables = create_tables(self.client)
        self.store = store_on(self.client, self.tables, backoff=NO_WAITING)
        self.clock = _Clock()
        self.bank = new_bank(self.store, self.clock)
        self.processor = new_processor(
            self.store, self.clock, new_commit_id=map("stored-commit-{}".format, itertools.count()).__next__
        )
        self.models: Models = {each.name: self._model(each) for each in PROJECTIONS}
        self.lake = Lake(folder)
        self.log_store, self.log_index, self.signer = MemoryLogStore(), MemoryLogIndex(), SeededSigner()
        self.now = BEGAN + LATER
        self.page_rows = 500
        self._published: set[tuple[str, int]] = set()
        self._sequence = itertools.count(1)

    # What clients do

    def send(self, command: AnyCommand, account: str, *, key: str = "") -> bool:
        """A synchronous command, under a key if one is given: whether it was carried out."""
        context = CommandContext(str(uuid.uuid4()), "order-17", CALLER)
        try:
            if isinstance(command, Transfer):
                self.bank.transfer(command, str(uuid.uuid4()), context, idempotency=_idempotency(account, key))
            else:
                self.bank.execute(command, account, context, idempotency=_idempotency(account, key))
        except DomainError:
            return False
        return True

    def submit(self, account: str, command_id: str, body: Mapping[str, Any], *, at: datetime = BEGAN) -> None:
        """Store a command, as the gateway does."""
        self.client.put_item(TableName=self.tables.commands, Item=command_item(account, command_id, body, at))

    def carry_out(self, account: str, command_id: str, body: Mapping[str, Any]) -> None:
        """Store a command and process it."""
        item = command_item(account, stored_key(CALLER, command_id), body, BEGAN)
        self.client.put_item(TableName=self.tables.commands, Item=item)
        processed = self.processor.process([command_record(item, next(self._sequence))], lambda: True)
        assert not processed.failures

    def trade(self, accounts: Sequence[str] = (A, B, C)) -> None:
        """Some of everything: openings, credits, rejections, transfers, keyed, stored and plain."""
        for account in accounts:
            self.send(OpenAccount(currency="EUR"), account)
            for number in range(1, 13):
                self.send(CreditAccount(amount=number, reference=f"no. {number}"), account)
        first, second = accounts[:2]
        self.send(CreditAccount(amount=500), first, key="k1")
        assert not self.send(WithdrawFromAccount(amount=10**9), first, key="k2")
        self.send(Transfer(from_account_id=first, to_account_id=second, amount=5), first, key="k3")
        self.carry_out(first, "c1", {"type": "CreditAccount", "amount": 7})
        self.carry_out(second, "c2", {"type": "WithdrawFromAccount", "amount": 10**9})
        self.carry_out(
            first, "c3", {"type": "Transfer", "from_account_id": first, "to_account_id": second, "amount": 3}
        )

    def send_more(self, account: str) -> None:
        """Another account, with three events."""
        for command in (OpenAccount(currency="EUR"), CreditAccount(amount=1), CreditAccount(amount=2)):
            assert self.send(command, account)

    # What follows from it

    def rows(self, account: str) -> list[EventRow]:
        """All rows of an account."""
        return self.store.read(account, deadline=Deadline()).rows

    def all_rows(self) -> list[EventRow]:
        """All rows, by account and version."""
        items = self.client.scan(TableName=self.tables.events, ConsistentRead=True)["Items"]
        return sorted(map(item_to_row, items), key=lambda row: (row.stream_id, row.version))

    def publish(self, day: str = DAY) -> Path | None:
        """What was not published yet arrives in the lake."""
        rows = [each for each in self.all_rows() if (each.stream_id, each.version) not in self._published]
        self._published |= {(each.stream_id, each.version) for each in rows}
        return self.lake.arrive(day, map(domain_event, rows)) if rows else None

    def fold(self) -> None:
        """The read models catch up."""
        accounts = {row.stream_id for row in self.all_rows()}
        for model in self.models.values():
            folder = AccountFolder(model.projection, model.rows, DomainEventReader(self.store))
            for each in sorted(accounts):
                folder.catch_up(1, each, Deadline())

    def seal(self) -> Sealed:
        """Seal what the lake holds."""
        with ThreadPoolExecutor(1) as executor:
            sealer = Sealer(
                store=self.log_store,
                index=self.log_index,
                signer=self.signer,
                announcer=MemoryAnnouncer(),
                lake=_SealableLake(self.lake),
                options=SealerOptions("daybook/test/000000000000/eu-central-1", 1, 60),
                executor=executor,
                clock=lambda: self.now,
            )
            return sealer.run(time_left=lambda: 600.0)

    def settle(self) -> None:
        """Everything has arrived everywhere, and is sealed."""
        self.publish()
        self.fold()
        self.seal()

    def revoke(self, account: str, last_good: int, generation: int = 2) -> None:
        """A restore cuts an account's rows after a version, and says so."""
        for row in self.rows(account)[last_good:]:
            self.delete(account, row.version)
            self._published.discard((account, row.version))
        self.bank = new_bank(self.store, self.clock)
        self.lake.revoke(revocation(account, last_good, f"{self.clock():%Y-%m-%d %H:%M:%S}", generation))

    # What attackers do

    def put(self, row: Mapping[str, Any]) -> None:
        """Put an item of the event table, whatever stands there."""
        self.client.put_item(TableName=self.tables.events, Item=dict(row))

    def delete(self, account: str, version: int) -> None:
        """Delete a row."""
        key = {"stream_id": {"S": account}, "version": {"N": str(version)}}
        self.client.delete_item(TableName=self.tables.events, Key=key)

    def items(self, table: str) -> list[dict[str, Any]]:
        """All items of a table."""
        found: list[dict[str, Any]] = self.client.scan(TableName=table, ConsistentRead=True)["Items"]
        return found

    # What a command is connected to

    def opened(self) -> Tables:
        """The tables, without the index of the log."""
        client, names = self.client, self.tables
        return Tables(
            walk=DynamoDBTableWalk(client, event_table=names.events, page_rows=self.page_rows, backoff=NO_WAITING),
            store=self.store,
            receipts=DynamoDBItemWalk(client, table=names.receipts, consistent=False, backoff=NO_WAITING),
            commands=DynamoDBItemWalk(client, table=names.commands, consistent=False, backoff=NO_WAITING),
            lookup=DynamoDBLookup(client, event_table=names.events, commands_table=names.commands, backoff=NO_WAITING),
            backoff=NO_WAITING,
        )

    def ledger_tables(self, place: Place) -> LedgerTables:
        return LedgerTables(self.opened(), lambda: Sizes(Size(100, 50_000), Size(3, 1000), Size(3, 1000)))

    def projections(self, place: Place) -> Models:
        return self.models

    def lag_meter(self, place: Place) -> LagMeter:
        return _Meter(lambda: self.now)

    def transparency_log(self, place: Place) -> Log:
        return Log(self.log_store, self.log_index, self.signer.public_key)

    def queries(self, target: Any) -> Any:
        return self

    def rows_of_sql(self, sql: str) -> list[dict[str, str | None]]:
        """As Athena gives rows."""
        return [
            {name: None if value is None else str(value) for name, value in row.items()} for row in self.lake.sql(sql)
        ]

    def _model(self, projection: Any) -> Model:
        name = create_read_model_table(self.client)
        found = open_table(self.client, name, projection)
        found.control.change(Control(), Control(live=1, newest=1))
        return Model(
            projection=projection, table=name, projector="", rows=found, control=found.control,
            segments=found.segments, positions=found.positions, executions=None,  # type: ignore[arg-type]
            dynamodb=self.client, functions=None,
        )  # fmt: skip

    def verify(self, *words: str, segments: int = 2) -> int:
        """The exit status of `daybook verify --all`."""
        return main(["verify", "--all", "--segments", str(segments), *words, "--env", "dev"], connections=self)


class _Athena:
    def __init__(self, ledger: VerifiedLedger) -> None:
        self._ledger = ledger

    def rows(self, sql: str, time_left: Callable[[], float]) -> list[dict[str, str | None]]:
        return self._ledger.rows_of_sql(sql)


class _SealableLake:
    """See sealer.Lake: the real queries, by DuckDB."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    def sealable(
        self, *, from_dt: str, through: str, time_left: Callable[[], float]
    ) -> tuple[Iterator[SealableRow], Iterator[Restore]]:
        rows = self._lake.query("sealable_events", from_dt=from_dt, through=through)
        restores = self._lake.query("sealable_restores")
        return (
            iter([
                SealableRow(
                    each["account_id"], each["version"], each["rowhash"], each["arrived"], _text(each["recorded_at"])
                )
                for each in rows
            ]),
            iter([
                Restore(
                    each["account_id"], each["generation"], each["last_good_version"], _text(each["revoked_at"])
                )
                for each in restores
            ]),
        )  # fmt: skip


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _idempotency(account: str, key: str) -> Idempotency[Any] | None:
    if not key:
        return None

    def respond(committed: Committed[Any]) -> str:
        return remember(json_reply(200, {"version": committed.streams[0].version}))

    return Idempotency(
        account, stored_key(CALLER, key), key.encode().ljust(32), RECEIPT_SECONDS, respond,
        lambda error: remember(problem_reply(error, "order-17")),
    )  # fmt: skip


@contextmanager
def verified_ledger(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[VerifiedLedger]:
    """An empty one."""
    with moto_client() as client:
        ledger = VerifiedLedger(client, folder)
        monkeypatch.setattr("cli.verify.everything.utc_now", lambda: ledger.now)
        monkeypatch.setattr(Place, "lake", lambda self: None)
        monkeypatch.setattr(ledger, "queries", lambda target: _Athena(ledger))
        yield ledger
        ledger.lake.close()
