"""The header that says how far a read model was behind."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from lambdas.contracts.openapi import openapi_document
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.httpapi.lag import lag_header
from lambdas.projections.lag import Lag
from tests.support.clocks import START


@pytest.mark.parametrize(
    ("events", "seconds", "age", "header"),
    [
        (0, 0.0, 0, "0;0"),
        (0, 0.0, 59, "0;0"),
        (3, 0.001, 0, "3;1"),
        (3, 1.0, 0, "3;1"),
        (3, 1.2, 120, "3;2"),  # as old as it may be
        (3, 1.2, 120.001, "3;122"),
        (0, 0.0, 3600, "0;3600"),  # nothing waited an hour ago, and what has happened since is not known
        (3, 1.2, -5, "3;2"),  # its clock is ahead of ours
        (0, -0.4, 0, "0;0"),
        (5000, 86_400.0, 0, "5000;86400"),
    ],
)
def test_says_events_and_seconds(events: int, seconds: float, age: float, header: str) -> None:
    lag = Lag(events=events, seconds=seconds, measured_at=format_timestamp(START))
    assert lag_header(lag, START + timedelta(seconds=age)) == header
    schema: Any = openapi_document()["components"]["headers"]["Lag"]["schema"]
    assert re.search(schema["pattern"], header)
