"""The requests that write a commit: one put or update for one row, receipt or completion, a transaction for more.

Sources: Amazon DynamoDB API Reference (PutItem, UpdateItem, TransactWriteItems); Developer Guide, "Update expressions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from lambdas.eventsourcing import dynamodb_schema as schema
from lambdas.eventsourcing.dynamodb_items import (
    InboxTable,
    completion_values,
    expected_values,
    receipt_to_item,
    row_to_item,
)
from lambdas.eventsourcing.rows import Commit, Completion, EventRow, Receipt

_ACKNOWLEDGED: Mapping[str, Any] = {"ReturnConsumedCapacity": "TOTAL"}
"""Asks for what only an answer of DynamoDB has: see transport.acknowledged."""

_ROW_IS_FREE = f"attribute_not_exists({schema.EVENT_TABLE_HASH_KEY})"


class WritingClient(Protocol):
    """The calls of boto3's low-level DynamoDB client that write."""

    def put_item(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def update_item(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def transact_write_items(self, **kwargs: Any) -> Mapping[str, Any]: ...


class Tables(msgspec.Struct, frozen=True):
    """The tables for the parts of a commit. Without `receipts`, no receipt can be put; without an `inbox`, no stored
    command can be completed.
    """

    events: str
    receipts: str | None
    inbox: InboxTable | None


def prepare(client: WritingClient, tables: Tables, commit: Commit) -> Callable[[], Mapping[str, Any]]:
    """A function that sends the commit and may be called again. Order of actions: rows, receipt, completions.

    Raises ValueError for a receipt or a completion that has no table.
    """
    puts = [_put_row(row, tables.events) for row in commit.rows]
    if commit.receipt is not None:
        if tables.receipts is None:
            raise ValueError("a store without a receipt table puts no receipt")
        puts.append(_put_receipt(commit.receipt, tables.receipts, commit.made_at))
    updates = _updates(commit.completions, tables.inbox) if commit.completions else []
    if len(puts) + len(updates) > 1:
        actions = [*({"Put": put} for put in puts), *({"Update": update} for update in updates)]
        return lambda: client.transact_write_items(TransactItems=actions, **_ACKNOWLEDGED)
    if updates:
        return lambda: client.update_item(**updates[0], **_ACKNOWLEDGED)
    return lambda: client.put_item(**puts[0], **_ACKNOWLEDGED)


def _put_row(row: EventRow, table: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "Item": row_to_item(row),
        "ConditionExpression": _ROW_IS_FREE,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _put_receipt(receipt: Receipt, table: str, now: int) -> dict[str, Any]:
    return {
        "TableName": table,
        "Item": receipt_to_item(receipt),
        "ConditionExpression": "attribute_not_exists(#k) OR #t <= :now",
        "ExpressionAttributeNames": {"#k": schema.RECEIPT_TABLE_RANGE_KEY, "#t": schema.RECEIPT_TABLE_TTL},
        "ExpressionAttributeValues": {":now": {"N": str(now)}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _updates(completions: Sequence[Completion], table: InboxTable | None) -> list[dict[str, Any]]:
    if table is None:
        raise ValueError("a store without an inbox completes no stored command")
    return [_update(completion, table) for completion in completions]


def _update(completion: Completion, table: InboxTable) -> dict[str, Any]:
    """The condition fails where nothing is stored, so an update never creates an item. It proves that the command that
    was carried out is the stored one, whoever delivered it."""
    names = {"#status": table.status_attribute, "#commit_id": "commit_id"}
    values = {
        ":status": {"S": completion.status},
        ":commit_id": {"S": completion.commit_id},
        ":pending": {"S": table.pending},
    }
    assignments = ["#status = :status", "#commit_id = :commit_id"]
    for number, (name, value) in enumerate(completion_values(completion).items()):
        names[f"#a{number}"], values[f":a{number}"] = name, value
        assignments.append(f"#a{number} = :a{number}")
    conditions = ["#status = :pending"]
    for number, (name, expected) in enumerate(expected_values(completion).items()):
        names[f"#e{number}"] = name
        if expected is None:
            conditions.append(f"attribute_not_exists(#e{number})")
        else:
            values[f":e{number}"] = expected
            conditions.append(f"#e{number} = :e{number}")
    expression = "SET " + ", ".join(assignments)
    cleared = {f"#r{number}": name for number, name in enumerate(table.cleared)}
    if cleared:
        expression += " REMOVE " + ", ".join(cleared)
    return {
        "TableName": table.name,
        "Key": {table.hash_key: {"S": completion.scope}, table.range_key: {"S": completion.key}},
        "UpdateExpression": expression,
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": names | cleared,
        "ExpressionAttributeValues": values,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
