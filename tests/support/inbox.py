"""Stored commands as a test puts them in place and finds them, in memory or in a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from lambdas.eventsourcing.decider import Committed, Decide, Outcome, StoredCommand
from lambdas.eventsourcing.errors import FaultyCommandError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.inbox import table
from tests.support.backends import Backend, DynamoDBBackend
from tests.support.tally import METADATA, OCCURRED_AT, Added, Tally, TallyError, TallyRepository

Attributes = dict[str, str | int]
BODY = b'{"type":"\xf0\x9f\x8c\x8d"}'
KEYS = (table.HASH_KEY, table.RANGE_KEY)


class Inbox(Protocol):
    """Where commands wait."""

    def submit(self, scope: str, key: str, body: bytes = BODY) -> None:
        """Store a command as pending, as if it had failed once and were tried again."""
        ...

    def find(self, scope: str, key: str) -> Attributes:
        """All that is stored of it but its key and body; its status is PENDING until it ends."""
        ...


class MemoryInbox:
    """Of a store in memory: every command is pending until it ends."""

    def __init__(self, store: InMemoryEventStore) -> None:
        self._store = store

    def submit(self, scope: str, key: str, body: bytes = BODY) -> None:
        """Nothing to do."""
        assert self._store.completion(scope, key) is None

    def find(self, scope: str, key: str) -> Attributes:
        """See Inbox.find."""
        completion = self._store.completion(scope, key)
        if completion is None:
            return {table.STATUS: table.PENDING}
        return {table.STATUS: completion.status, table.COMMIT_ID: completion.commit_id, **completion.attributes}


class TableInbox:
    """Rows of a commands table."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def submit(self, scope: str, key: str, body: bytes = BODY) -> None:
        """See Inbox.submit."""
        pending = {table.STATUS: {"S": table.PENDING}, table.FAILED_ON: {"S": "2026-02-28"}}
        self.put(scope, key, **pending, **{table.BODY: {"B": body}})

    def put(self, scope: str, key: str, **attributes: dict[str, Any]) -> None:
        """A row with these attributes, and `BODY` if there is no body among them, in place of what is there."""
        item = {**_key(scope, key), table.BODY: {"B": BODY}, **attributes}
        self._client.put_item(TableName=self._name, Item=item)

    def find(self, scope: str, key: str) -> Attributes:
        """See Inbox.find; an attribute that only pending rows may have is not hidden."""
        item = self.item(scope, key)
        assert item is not None
        assert bytes(item[table.BODY]["B"]) == BODY
        kept = {name: value for name, value in item.items() if name not in {*KEYS, table.BODY}}
        found: Attributes = {n: int(v["N"]) if "N" in v else str(v["S"]) for n, v in kept.items()}
        if found[table.STATUS] == table.PENDING:
            assert found.pop(table.FAILED_ON) == "2026-02-28"
        return found

    def item(self, scope: str, key: str) -> dict[str, Any] | None:
        """The row itself; None where there is none."""
        answer = self._client.get_item(TableName=self._name, Key=_key(scope, key), ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item


def inbox_of(backend: Backend) -> Inbox:
    """The inbox beside the store of a backend."""
    if isinstance(backend, DynamoDBBackend):
        return TableInbox(backend.client, backend.tables.commands)
    assert isinstance(backend.store, InMemoryEventStore)
    return MemoryInbox(backend.store)


def stored(
    scope: str, decide: Decide[Added], *others: str, key: str = "command", **fields: Any
) -> StoredCommand[Tally, Added]:
    """A stored command on the tally of its scope and on others.

    A success keeps the version and total of its first stream, a rejection its words.
    """
    command = StoredCommand(
        scope, key, (scope, *others), decide, METADATA, OCCURRED_AT, _succeeded, _rejected, {table.BODY: BODY}
    )
    return msgspec.structs.replace(command, **fields)


def taking(scope: str, amount: int, key: str = "command", **fields: Any) -> StoredCommand[Tally, Added]:
    """A stored command that takes from a tally what it holds; else it is rejected."""

    def decide(state: Tally | None) -> Sequence[Sequence[Added]]:
        total = state.total if state else 0
        if total < amount:
            raise TallyError(f"{total} is less than {amount}")
        return ([Added(-amount)],)

    return stored(scope, decide, key=key, **fields)


def end_alone(repo: TallyRepository, command: StoredCommand[Tally, Added]) -> Committed[Tally]:
    """End one stored command in a run of its own. Raises its rejection, or why it was left alone."""
    try:
        (ended,) = repo.execute_stored([command])
    except FaultyCommandError as error:
        raise error.reason from None
    if isinstance(ended, Exception):
        raise ended
    return ended


def _rejected(error: Exception) -> Outcome:
    return Outcome(table.REJECTED, {table.PROBLEM: str(error)})


def _succeeded(committed: Committed[Tally]) -> Outcome:
    first = committed.streams[0]
    total = first.state.total if first.state else 0
    return Outcome(table.SUCCEEDED, {table.VERSION: first.version, table.BALANCE: total})


def _key(scope: str, key: str) -> dict[str, dict[str, str]]:
    return {table.HASH_KEY: {"S": scope}, table.RANGE_KEY: {"S": key}}


def take_stored(repo: TallyRepository, stream_id: str, amount: int, *, key: str = "command") -> Committed[Tally]:
    """Take from a tally what it holds, as the stored command `key` asks. Raises TallyError."""
    return end_alone(repo, taking(stream_id, amount, key))
