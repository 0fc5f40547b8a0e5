"""Looks single rows up: events by account and version, many at a time, and stored commands."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Struct

from lambdas.eventsourcing import dynamodb_schema as schema
from lambdas.eventsourcing.dynamodb_items import Item
from lambdas.eventsourcing.item_walk import retried
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.inbox import table

AT_ONCE: Final = 100
"""Keys of one request. Source: DynamoDB API Reference, BatchGetItem."""
LOOKS: Final = 5
"""How often is looked before something counts as missing: reads are not isolated from a transaction under way."""

Place: TypeAlias = tuple[str, int]
"""Account and version."""


class FoundEvent(Struct, frozen=True, gc=False):
    """What of an event's row is compared. An attribute that is missing or of another type is empty."""

    commit_id: str
    type: str
    metadata: str
    recorded_at: str


class Lookup(Protocol):
    """Both methods are strongly consistent and raise ReadUnavailableError. Safe to use from several threads."""

    def events(self, places: Collection[Place]) -> Mapping[Place, FoundEvent]:
        """The events that stand at these places. What is missing was looked for several times."""
        ...

    def command(self, account_id: str, command_id: str) -> Item | None:
        """The row of a stored command."""
        ...


class LookupClient(Protocol):
    """The methods of boto3's low-level client that are used here; it must not retry by itself (see DynamoDBClient)."""

    def batch_get_item(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def get_item(self, **kwargs: Any) -> Mapping[str, Any]: ...


class DynamoDBLookup:
    """A Lookup on the ledger's tables. It needs `dynamodb:BatchGetItem` on the event table, GetItem on the commands."""

    def __init__(
        self,
        client: LookupClient,
        *,
        event_table: str,
        commands_table: str,
        new_deadline: Callable[[], Deadline] = Deadline,
        backoff: Backoff | None = None,
    ) -> None:
        self._client = client
        self._event_table = event_table
        self._commands_table = commands_table
        self._new_deadline = new_deadline
        self._backoff = backoff or Backoff()

    def events(self, places: Collection[Place]) -> Mapping[Place, FoundEvent]:
        """See Lookup.events."""
        found: dict[Place, FoundEvent] = {}
        for look in range(LOOKS):
            missing = sorted(set(places) - found.keys())
            if not missing:
                break
            if look:
                self._backoff.pause(look)
            for start in range(0, len(missing), AT_ONCE):
                found |= dict(map(_placed, self._get([_key(each) for each in missing[start : start + AT_ONCE]])))
        return found

    def command(self, account_id: str, command_id: str) -> Item | None:
        """See Lookup.command."""
        request = {
            "TableName": self._commands_table,
            "Key": {table.HASH_KEY: {"S": account_id}, table.RANGE_KEY: {"S": command_id}},
            "ConsistentRead": True,
            "ReturnConsumedCapacity": "TOTAL",
        }
        answer = retried(lambda: self._client.get_item(**request), "read", self._new_deadline(), self._backoff)
        item: Item | None = answer.get("Item")
        return item

    def _get(self, keys: list[Item]) -> Iterable[Item]:
        asked: Any = {
            self._event_table: {
                "Keys": keys,
                "ConsistentRead": True,
                "ProjectionExpression": "#account, #version, #commit, #type, #metadata, #recorded",
                "ExpressionAttributeNames": _NAMES,
            }
        }
        deadline, attempt = self._new_deadline(), 0
        while asked:
            request = {"RequestItems": asked, "ReturnConsumedCapacity": "TOTAL"}
            answer = retried(lambda: self._client.batch_get_item(**request), "read", deadline, self._backoff)  # noqa: B023 - called at once
            yield from answer["Responses"].get(self._event_table, [])
            asked = answer.get("UnprocessedKeys")
            if asked:
                attempt += 1
                self._backoff.pause(attempt)


_NAMES: Final = {
    "#account": schema.EVENT_TABLE_HASH_KEY,
    "#version": schema.EVENT_TABLE_RANGE_KEY,
    "#commit": "commit_id",
    "#type": "type",
    "#metadata": "metadata",
    "#recorded": "recorded_at",
}


def _key(place: Place) -> Item:
    return {schema.EVENT_TABLE_HASH_KEY: {"S": place[0]}, schema.EVENT_TABLE_RANGE_KEY: {"N": str(place[1])}}


def _placed(item: Item) -> tuple[Place, FoundEvent]:
    place = item[schema.EVENT_TABLE_HASH_KEY]["S"], int(item[schema.EVENT_TABLE_RANGE_KEY]["N"])
    commit_id, kind, metadata, recorded_at = (
        str(item.get(name, {}).get("S", "")) for name in ("commit_id", "type", "metadata", "recorded_at")
    )
    return place, FoundEvent(commit_id, kind, metadata, recorded_at)
