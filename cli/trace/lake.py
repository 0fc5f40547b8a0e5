"""Asks the lake for the events with a correlation id, in the partitions of a window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from analytics import catalog
from cli.sql.session import Result
from cli.trace.window import Window

EventId: TypeAlias = tuple[str, int]
"""Account and version."""


class LakeRow(msgspec.Struct, frozen=True):
    """An event in the lake: the partition that it arrived in first, and how often it arrived."""

    partition: str
    deliveries: int


def lake_rows(ask: Callable[[str], Result], correlation_id: str, window: Window) -> Mapping[EventId, LakeRow]:
    """The events of a correlation id. Raises QueryFailedError."""
    first, last = window.partitions
    values = {"correlation_id": correlation_id, "from_dt": first, "to_dt": last}
    rows = ask(catalog.query("correlated_events").fill(values)).rows
    found: dict[EventId, LakeRow] = {}
    for _, account_id, version, partition, deliveries in rows:
        before = found.get((account_id, version), LakeRow(partition, 0))
        found[account_id, version] = LakeRow(min(partition, before.partition), before.deliveries + deliveries)
    return found
