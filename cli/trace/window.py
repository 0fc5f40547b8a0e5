"""The values of the command line: a correlation id, and from when to when to look."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
import typer

from cli.errors import UsageError
from cli.options import moment
from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from lambdas.httpapi.idempotency_keys import TOKEN

_AGO: Final = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
LATE_DAYS: Final = 3
"""So many days after it was booked, at the most, reports expect an event in the lake."""


class Window(msgspec.Struct, frozen=True):
    """From when to when log lines are looked at, in UTC."""

    since: datetime
    until: datetime

    @property
    def partitions(self) -> tuple[date, date]:
        """The first and the last day of arrival of what was booked then. A file's day is that of its oldest event."""
        return self.since.date() - timedelta(days=1), self.until.date() + timedelta(days=LATE_DAYS)

    def __str__(self) -> str:
        return f"from {format_timestamp(self.since)} to {format_timestamp(self.until)}"


def correlation_id(text: str) -> str:
    """One as functions log it. Raises BadParameter."""
    if not re.fullmatch(TOKEN, text):
        raise typer.BadParameter(f"{text!r} is not a correlation id: 1 to 64 of A-Z, a-z, 0-9 and . _ : -")
    return text


def ago_or_moment(text: str) -> datetime:
    """`30m`, `12h` or `7d` ago; or a time. Raises BadParameter."""
    found = _AGO.fullmatch(text)
    return moment(text) if found is None else utc_now() - int(found[1]) * _UNITS[found[2]]


def window_of(since: datetime, until: datetime | None) -> Window:
    """Raises UsageError if the second does not come after the first."""
    until = until or utc_now()
    if until <= since:
        raise UsageError("--until must be later than --since.")
    return Window(since.astimezone(UTC), until.astimezone(UTC))
