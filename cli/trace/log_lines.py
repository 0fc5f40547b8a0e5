"""Reads the functions' log lines about one correlation id from CloudWatch Logs.

Each stack's log groups are found among its resources. `FilterLogEvents` reads the lines of a time window and filters
there; it costs nothing but time, and every page may be empty. Source: Amazon CloudWatch Logs API Reference,
"FilterLogEvents"; user guide, "Filter pattern syntax" (a quoted term matches exactly).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import msgspec

from cli.errors import UnavailableError, plain
from cli.trace.stages import Name
from cli.trace.window import Window
from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.retry import Deadline

CORRELATION_ID: Final = "correlation_id"
"""The member of a JSON line that holds the correlation id, or a list of them."""

STACKS: Final[Mapping[str, Name]] = {"Api": "request", "Commands": "processor", "Publisher": "publisher"}
"""The stacks whose functions log correlation ids, and what each of them does."""

MOST_LINES: Final = 1_000
_POWERTOOLS_TIME: Final = "%Y-%m-%d %H:%M:%S,%f%z"


class Line(msgspec.Struct, frozen=True):
    """A JSON line of a function, in a log group, and the stage that its stack stands for."""

    time: datetime
    stage: Name
    group: str
    fields: dict[str, Any]

    def text(self, name: str) -> str:
        """A member as text; empty if there is none."""
        return str(self.fields.get(name, ""))

    def events(self, correlation_id: str) -> list[str]:
        """The ids of the events that it names. In a line about several ids, those of this one."""
        named, about = self.fields.get("events") or [], self.fields.get(CORRELATION_ID)
        if not isinstance(about, list):
            return [str(each) for each in named]
        return [str(event) for event, whose in zip(named, about, strict=False) if whose == correlation_id]


class Lines(msgspec.Struct, frozen=True):
    """Lines in order of time, and whether all that there are were read."""

    lines: list[Line]
    complete: bool


class LogLines(Protocol):
    """What a trace needs of logs."""

    def about(self, correlation_id: str, window: Window, deadline: Deadline) -> Lines:
        """The lines with this correlation id. Raises UnavailableError."""


class CloudWatchLines:
    """Lines in log groups, each with the stage that its stack stands for."""

    def __init__(self, client: Any, groups: Mapping[str, Name]) -> None:
        self._client = client
        self._groups = groups

    def about(self, correlation_id: str, window: Window, deadline: Deadline) -> Lines:
        """See LogLines."""
        found: list[Line] = []
        complete = True
        for group, stage in self._groups.items():
            try:
                complete &= self._read(group, stage, correlation_id, window, deadline, found)
            except FAILURES as error:
                raise UnavailableError(f"the log group {group} cannot be read: {plain(error)}") from error
        return Lines(sorted(found, key=lambda line: line.time), complete)

    def _read(
        self, group: str, stage: Name, correlation_id: str, window: Window, deadline: Deadline, found: list[Line]
    ) -> bool:
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=group,
            filterPattern=f'"{correlation_id}"',
            startTime=int(window.since.timestamp() * 1000),
            endTime=int(window.until.timestamp() * 1000),
        )
        for page in pages:
            found += [
                Line(_time(fields, event["timestamp"]), stage, group, fields)
                for event in page["events"]
                if (fields := fields_about(event["message"], correlation_id)) is not None
            ]
            if len(found) >= MOST_LINES or not deadline.allows_attempt():
                return False
        return True


def fields_about(line: str, correlation_id: str) -> dict[str, Any] | None:
    """The members of a JSON line with this correlation id, alone or in a list of them; None for any other line.

    The lines that Lambda itself writes, and those of metrics, have none.
    """
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    named = found.get(CORRELATION_ID)
    bears = correlation_id in named if isinstance(named, list) else named == correlation_id
    return found if bears else None


def _time(fields: Mapping[str, Any], collected: int) -> datetime:
    """When the line was written, as Powertools says; else when it was collected (epoch milliseconds)."""
    try:
        return datetime.strptime(str(fields.get("timestamp")), _POWERTOOLS_TIME).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(collected / 1000, UTC)
