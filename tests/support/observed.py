"""A DynamoDB that notes when rows appear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.eventsourcing.dynamodb_items import Item, item_to_row
from tests.support.audit import Append
from tests.support.clocks import Ticks
from tests.support.dynamodb_tables import KEYS, Tables, create_tables
from tests.support.fake_dynamodb import FakeDynamoDB


@dataclass(frozen=True)
class Observed:
    """A client, its tables, and what was appended to them at which tick."""

    client: Any
    tables: Tables
    ticks: Ticks
    appends: list[Append]


def observed_fake() -> Observed:
    """An empty fake."""
    ticks, appends, tables = Ticks(), list[Append](), Tables("events", "commands")
    client = FakeDynamoDB(
        dict(zip(tables, KEYS.values(), strict=True)), observe=lambda items: _note(ticks, appends, items)
    )
    return Observed(client, tables, ticks, appends)


def observed_client(client: Any) -> Observed:
    """New tables on a client that runs one call at a time."""
    ticks, appends = Ticks(), list[Append]()
    return Observed(_NotingClient(client, ticks, appends), create_tables(client), ticks, appends)


class _NotingClient:
    def __init__(self, client: Any, ticks: Ticks, appends: list[Append]) -> None:
        self.query, self.get_item, self.update_item = client.query, client.get_item, client.update_item
        self._client, self._ticks, self._appends = client, ticks, appends

    def put_item(self, **put: Any) -> Any:
        answer = self._client.put_item(**put)
        _note(self._ticks, self._appends, [put["Item"]])
        return answer

    def transact_write_items(self, **request: Any) -> Any:
        answer = self._client.transact_write_items(**request)
        puts = [action["Put"]["Item"] for action in request["TransactItems"] if "Put" in action]
        _note(self._ticks, self._appends, puts)
        return answer


def _note(ticks: Ticks, appends: list[Append], items: Sequence[Item]) -> None:
    tick = ticks()
    appends.append(Append(tick, tick, tuple(item_to_row(item) for item in items if "recorded_at" in item)))
