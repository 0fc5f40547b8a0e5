"""A parallel Scan ends when nobody wants the rest."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from cli.storage.table_scan import Page, scan
from tests.support.paging import dynamodb_paginator


class Endless:
    """A table without an end; counts the pages read."""

    def __init__(self) -> None:
        self.pages = 0

    def get_paginator(self, operation: str) -> Any:
        return dynamodb_paginator(self, operation)

    def scan(self, **request: Any) -> dict[str, Any]:
        self.pages += 1
        start = request.get("ExclusiveStartKey", {"at": 0})["at"]
        return {"Items": [], "LastEvaluatedKey": {"at": start + 1}, "Segment": request["Segment"]}


def test_an_error_in_one_segment_stops_the_others() -> None:
    """Ctrl-C does, too: it is raised in the thread that waits for the first segment."""
    others_read = Event()

    def read(pages: Iterator[Page]) -> None:
        for page in pages:
            if page["Segment"] == 0:
                assert others_read.wait(10)
                raise KeyboardInterrupt
            others_read.set()

    with pytest.raises(KeyboardInterrupt):
        scan(Endless(), {"TableName": "events"}, read, segments=3)
