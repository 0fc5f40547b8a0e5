"""Compares the event table with the lake and prints the differences."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from cli.connections import Connections
from cli.environments.place import Place
from cli.errors import ExitStatus, PlaceError, QueryFailedError, UnavailableError, UsageError
from cli.output import Outcome, Output, counted
from cli.progress import Steps
from cli.reconcile.comparison import Reconciliation, reconcile
from cli.reconcile.recorded import Window
from cli.sql.output import as_table
from cli.sql.session import Result
from lambdas.eventsourcing.timestamps import utc_now

SHOWN_IDS: Final = 20


def window_of(from_day: date, to_day: date | None, settle_minutes: int) -> tuple[Window, date]:
    """The days to compare, and today. Raises UsageError."""
    now = utc_now()
    to_day = to_day or now.date()
    if not from_day <= to_day <= now.date():
        raise UsageError(f"The days must be in order, up to today: not {from_day} to {to_day}.")
    return Window(from_day, to_day, now - timedelta(minutes=settle_minutes)), now.date()


def compare(place: Place, window: Window, today: date, connections: Connections, output: Output) -> Outcome:
    """Compare the event table with the lake. Raises PlaceError, UnavailableError."""
    ask = connections.sql(place.lake())
    try:
        with Steps("Comparing the event table with the lake; rows scanned") as steps:
            found = reconcile(
                lambda known: connections.recorded(place, window, known, steps.advance), ask, window, today=today
            )
    except (PlaceError, QueryFailedError) as error:
        raise UnavailableError(str(error)) from error
    output.line(as_text(found))
    output.note(f"{found.rows_scanned:,} rows scanned, {found.read_units:,} read units")
    if found.equal:
        return Outcome(found)
    differing = sum(map(len, (found.missing, found.unknown, found.differs, found.odd, found.stray)))
    return Outcome(found, ExitStatus.FINDING, f"The event table and the lake differ in {counted(differing, 'event')}.")


def as_text(found: Reconciliation) -> str:
    """A table of the days, and the first ids of each kind of difference."""
    rows = [tuple(getattr(day, name) for name in day.__struct_fields__) for day in found.days]
    columns = ["day", "event_table", "lake", "missing", "unknown", "differs", "late"]
    parts = [as_table(Result(columns, rows, 0))]
    for ids, what in (
        (found.missing, "not in the lake"),
        (found.unknown, "in the lake, but not in the event table"),
        (found.differs, "in both, with another content in the lake"),
        (found.odd, "in the event table without a readable version or booking time"),
        (found.stray, "in the lake without a full id of their own, or before their day"),
    ):
        if ids:
            more = [f"  … and {len(ids) - SHOWN_IDS:,} more: --json lists all"] if len(ids) > SHOWN_IDS else []
            parts.append("\n".join([f"{len(ids):,} {what}:", *(f"  {each}" for each in ids[:SHOWN_IDS]), *more]))
    if any(day.late for day in found.days):
        parts.append(
            "Late events are in the lake, but arrived later than reports read: "
            "`daybook report --date D --late-days N` reads more days."
        )
    return "\n".join(parts)
