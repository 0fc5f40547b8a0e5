"""Reads a whole table by a parallel Scan.

Only operators may scan, no function may. A Scan is charged for the whole table, whatever it filters or projects: half a
read unit for 4 KB, since it is eventually consistent. Source: Amazon DynamoDB Developer Guide, "Working with scans"
(parallel scan, consumed capacity).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias, TypeVar

from botocore.config import Config

from lambdas.eventsourcing.segment_fold import fold_segments

T = TypeVar("T")
Page: TypeAlias = Mapping[str, Any]

SEGMENTS: Final = 4
RETRIES: Final = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 10, "mode": "standard"})
"""For a client that scans."""


def scan(
    client: Any, request: Mapping[str, Any], read: Callable[[Iterator[Page]], T], *, segments: int = SEGMENTS
) -> list[T]:
    """Read all pages of a table, several segments at a time; returns the result of `read` for each segment.

    `request` names the table and the attributes to read. Each page says the capacity it consumed. Raises what the
    client and `read` raise.
    """
    paginator = client.get_paginator("scan")
    whole = {**request, "TotalSegments": segments, "ReturnConsumedCapacity": "TOTAL"}
    return fold_segments(
        lambda segment: iter(paginator.paginate(**whole, Segment=segment)), read, segments=segments, workers=segments
    )
