"""Reads rows of stored commands: by their keys, or those of one account with a correlation id. Bodies are not read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from cli.errors import UnavailableError, plain
from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.retry import Deadline
from lambdas.inbox import table
from lambdas.inbox.stream_records import CommandKey

_READ = (
    table.HASH_KEY, table.RANGE_KEY, table.STATUS, table.SUBMITTED_AT, table.COMPLETED_AT, table.VERSION,
    table.CORRELATION_ID,
)  # fmt: skip


class StoredCommand(msgspec.Struct, frozen=True):
    """A row without its body. Texts are empty, and `version` is 0, where the row has none."""

    key: CommandKey
    status: str
    submitted_at: str
    completed_at: str
    version: int
    correlation_id: str


class StoredCommands(Protocol):
    """What a trace needs of the commands table."""

    def row(self, key: CommandKey) -> StoredCommand | None:
        """One command. Raises UnavailableError."""

    def of_account(self, account_id: str, correlation_id: str, deadline: Deadline) -> list[StoredCommand]:
        """An account's commands with a correlation id, by a Query. Raises UnavailableError."""


class CommandsTable:
    """The commands table."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def row(self, key: CommandKey) -> StoredCommand | None:
        """See StoredCommands."""
        ids = {table.HASH_KEY: {"S": key.account_id}, table.RANGE_KEY: {"S": key.command_id}}
        try:
            found = self._client.get_item(TableName=self._name, Key=ids, ConsistentRead=True, **_projection())
        except FAILURES as error:
            raise _unavailable(error) from error
        return _command(found["Item"]) if found.get("Item") else None

    def of_account(self, account_id: str, correlation_id: str, deadline: Deadline) -> list[StoredCommand]:
        """See StoredCommands."""
        projection = _projection()
        names = projection.pop("ExpressionAttributeNames")
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            ConsistentRead=True,
            KeyConditionExpression="#account = :account",
            FilterExpression="#correlation = :correlation",
            ExpressionAttributeNames=names | {"#account": table.HASH_KEY, "#correlation": table.CORRELATION_ID},
            ExpressionAttributeValues={":account": {"S": account_id}, ":correlation": {"S": correlation_id}},
            **projection,
        )
        try:
            return [_command(item) for item in _items(pages, deadline)]
        except FAILURES as error:
            raise _unavailable(error) from error


def _items(pages: Iterable[Mapping[str, Any]], deadline: Deadline) -> Iterable[Mapping[str, Any]]:
    for page in pages:
        yield from page["Items"]
        if "LastEvaluatedKey" in page and not deadline.allows_attempt():
            raise UnavailableError("the account has too many stored commands for this --timeout")


def _projection() -> dict[str, Any]:
    names = {f"#{place}": name for place, name in enumerate(_READ)}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}


def _command(item: Mapping[str, Any]) -> StoredCommand:
    def text(name: str) -> str:
        return str(item.get(name, {}).get("S", ""))

    return StoredCommand(
        key=CommandKey(text(table.HASH_KEY), text(table.RANGE_KEY)),
        status=text(table.STATUS),
        submitted_at=text(table.SUBMITTED_AT),
        completed_at=text(table.COMPLETED_AT),
        version=int(item.get(table.VERSION, {}).get("N", 0)),
        correlation_id=text(table.CORRELATION_ID),
    )


def _unavailable(error: Exception) -> UnavailableError:
    return UnavailableError(f"the commands table cannot be read: {plain(error)}")
