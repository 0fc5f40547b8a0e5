"""Stored commands: the rows that the gateway writes, and the stream records that DynamoDB makes of them."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from lambdas.eventsourcing.decider import Loaded
from lambdas.eventsourcing.limits import MAX_RUN_COMMANDS
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.rows import Completion
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox import table
from lambdas.inbox.processor import CommandProcessor
from lambdas.inbox.results import Processed
from lambdas.service.account_service import AccountService
from lambdas.service.decider import ACCOUNT_DECIDER
from tests.support.clocks import START

Item = dict[str, dict[str, Any]]
Record = dict[str, Any]
CORRELATION = "order-17"
LATER = timedelta(seconds=90)
"""How much later than it was submitted a command is processed."""


def command_item(
    account_id: str, command_id: str, body: bytes | Mapping[str, Any], submitted_at: datetime = START
) -> Item:
    """The row of a new command as the gateway writes it. The caller stands before a slash in its id, if it has one."""
    return {
        table.HASH_KEY: {"S": account_id},
        table.RANGE_KEY: {"S": command_id},
        table.STATUS: {"S": table.PENDING},
        table.BODY: {"B": body if isinstance(body, bytes) else json.dumps(body).encode()},
        table.SUBMITTED_AT: {"S": format_timestamp(submitted_at)},
        table.CORRELATION_ID: {"S": CORRELATION},
        table.ACTOR: {"S": command_id.partition("/")[0] if "/" in command_id else "AIDAEXAMPLE"},
    }


def command_record(item: Item, sequence: int, change: str = "INSERT") -> Record:
    """The record of a row in the table's stream, as Lambda hands it over."""
    image = {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value for name, value in item.items()
    }
    return {
        "eventID": f"{sequence:032x}",
        "eventVersion": "1.1",
        "eventName": change,
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": START.timestamp(),
            "Keys": {name: image[name] for name in (table.HASH_KEY, table.RANGE_KEY)},
            "NewImage": image,
            "SequenceNumber": str(sequence),
            "SizeBytes": 400,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:eu-central-1:000000000000:table/commands/stream/2026-03-01T00:00:00.000",
    }


def always() -> bool:
    """There is always time for another command."""
    return True


def new_processor(
    store: EventStore,
    clock: Callable[[], datetime] = lambda: START + LATER,
    *,
    backoff: Backoff | None = None,
    new_deadline: Callable[[], Deadline] = Deadline,
    workers: int = 1,
    most_commands: int = MAX_RUN_COMMANDS,
    test_callers: Collection[str] = (),
    **options: Any,
) -> CommandProcessor:
    """A processor with a cache of its own, one account after the other; `options` are the repository's."""
    ids = itertools.count()
    options.setdefault("new_commit_id", lambda: f"commit-{next(ids)}")
    repository = Repository(
        store, ACCOUNT_DECIDER, clock=clock, new_deadline=new_deadline,
        backoff=backoff or Backoff(sleep=lambda _: None), **options,
    )  # fmt: skip
    service = AccountService(repository, clock=clock, test_callers=test_callers)
    return CommandProcessor(service, clock=clock, workers=workers, most_commands=most_commands)


class Desk:
    """A store in memory, a processor, and a stream of commands to it."""

    def __init__(self, *, test_callers: Collection[str] = ()) -> None:
        self.store = InMemoryEventStore()
        self.processor = new_processor(self.store, test_callers=test_callers)
        self._sequence = itertools.count(1)

    def record(self, account_id: str, body: bytes | Mapping[str, Any], command_id: str | None = None) -> Record:
        """Submit a command; its record."""
        number = next(self._sequence)
        return command_record(command_item(account_id, command_id or f"c{number}", body), number)

    def process(self, *records: Record) -> Processed:
        """Process one batch."""
        return self.processor.process(records, always)

    def run(self, account_id: str, body: bytes | Mapping[str, Any]) -> Completion:
        """Submit one command and process it; its end."""
        record = self.record(account_id, body)
        processed = self.process(record)
        assert processed.failures == []
        return self.end_of(record)

    def end_of(self, record: Record) -> Completion:
        """The end of a command."""
        completion = self.completion(record)
        assert completion is not None
        return completion

    def completion(self, record: Record) -> Completion | None:
        """The end of a command, if it has come."""
        keys = record["dynamodb"]["Keys"]
        return self.store.completion(keys[table.HASH_KEY]["S"], keys[table.RANGE_KEY]["S"])

    def account(self, account_id: str) -> Loaded[Any]:
        """The account as it stands, read anew."""
        return Repository(self.store, ACCOUNT_DECIDER).load(account_id)

    def balance(self, account_id: str) -> int:
        """The balance of an account that exists."""
        state = self.account(account_id).state
        assert state is not None
        return int(state.balance)


_PENDING = {table.STATUS: {"S": table.PENDING}}
MALFORMED: list[Any] = [
    5,
    {"eventName": "INSERT", "dynamodb": [1]},
    {"eventName": "INSERT", "dynamodb": {"NewImage": "abc"}},
    {"eventName": "INSERT", "dynamodb": {"NewImage": {table.STATUS: "x"}}},
    {"eventName": "INSERT", "dynamodb": {"NewImage": _PENDING}},
    {"eventName": "INSERT", "dynamodb": {"NewImage": _PENDING, "Keys": [1]}},
]
"""Records of which nobody can tell whether they are of a command, or of which."""
