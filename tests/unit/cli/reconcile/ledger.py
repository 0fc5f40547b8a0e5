"""A small history in the event table and in the lake, as `reconcile` reads both."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from zlib import crc32

from botocore.paginate import Paginator

from cli.reconcile.recorded import Known, Recorded, Window, recorded_events
from cli.sql.session import Result
from lambdas.contracts.domain_events import DomainEvent
from lambdas.eventsourcing.dynamodb_items import row_to_item
from lambdas.eventsourcing.rows import EventRow
from tests.support.paging import dynamodb_paginator
from tests.unit.analytics.conftest import FIRST, SECOND, THIRD
from tests.unit.analytics.lake import Lake

EVENTS = (*FIRST, *SECOND, *THIRD)
WINDOW = Window(date(2026, 3, 1), date(2026, 3, 3), datetime(2026, 3, 4, tzinfo=UTC))
Item = dict[str, dict[str, Any]]
Events = Iterable[DomainEvent[Any]]


def item(of: DomainEvent[Any]) -> Item:
    """The row that is published as an event."""
    metadata = {"command_id": of.causationid, "correlation_id": of.correlationid, "actor": "a"}
    row = EventRow(
        stream_id=of.subject,
        version=of.streamversion,
        commit_id="c",
        type=of.type.split(".")[2],
        schema=1,
        data=json.dumps(of.data),
        metadata=json.dumps(metadata),
        occurred_at=of.time,
        recorded_at=of.recordedtime,
        hash=b64decode(of.rowhash),
    )
    return row_to_item(row)


class FakeScan:
    """Answers a parallel Scan in pages of two items, each of which costs half a unit."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.items = list(items)

    def get_paginator(self, name: str) -> Paginator:
        return dynamodb_paginator(self, name)

    def scan(self, **request: Any) -> dict[str, Any]:
        names = request["ExpressionAttributeNames"]
        asked = [names[each] for each in request["ProjectionExpression"].split(", ")]
        assert set(asked) == set(EventRow.__struct_fields__) - {"state", "state_schema"}, "a snapshot is not published"
        assert "ConsistentRead" not in request, "a strongly consistent scan costs twice as much"
        segment, of = request["Segment"], request["TotalSegments"]
        found = [each for each in self.items if crc32(each["stream_id"]["S"].encode()) % of == segment]
        start = request.get("ExclusiveStartKey", {"at": 0})["at"]
        page: dict[str, Any] = {"Items": found[start : start + 2], "ConsumedCapacity": {"CapacityUnits": 0.5}}
        return page | ({"LastEvaluatedKey": {"at": start + 2}} if len(found) > start + 2 else {})


class Asked:
    """The lake as `sql` shows it; counts the questions."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.questions = 0

    def __call__(self, statement: str) -> Result:
        self.questions += 1
        rows = self._lake.sql(statement)
        return Result(list(rows[0]) if rows else [], [tuple(row.values()) for row in rows], 0)


def nothing(_account_id: str, _version: int) -> bool:
    return False


def recorded(items: Iterable[Item], window: Window = WINDOW, known: Known = nothing) -> Recorded:
    return recorded_events(FakeScan(items), "events", window, known)
