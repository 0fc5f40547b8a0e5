"""`python -m cli reconcile`: does the lake hold what the event table holds?

Exit status: 0 it does; 1 something differs; 2 usage; 3 one of both could not be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from cli.environments.lake import SqlError
from cli.environments.place import Place, add_options, day, place_of
from cli.reconcile.comparison import Ask, Reconciliation, reconcile
from cli.sql.output import as_table
from cli.sql.session import Result, Session
from cli.storage.table_scan import RETRIES, Recorded, ScanError, Window, recorded_versions
from lambdas.eventsourcing.timestamps import utc_now

SETTLE_MINUTES: Final = 60
SHOWN_IDS: Final = 20


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser], environment_file: Path) -> None:
    """Add the command's own options."""
    command = commands.add_parser(
        "reconcile",
        help="compare the event table with the lake",
        description="Scan the event table, ask the lake, and compare both event by event for each booking day (UTC).",
        epilog="Exit status: 0 equal, 1 different, 2 wrong usage, 3 could not be read. The scan reads the whole table.",
        allow_abbrev=False,
    )
    command.add_argument("--from", dest="from_day", required=True, type=day, metavar="YYYY-MM-DD", help="first day")
    command.add_argument("--to", dest="to_day", type=day, metavar="YYYY-MM-DD", help="last day (default: today)")
    command.add_argument(
        "--settle",
        type=_minutes,
        default=SETTLE_MINUTES,
        metavar="MINUTES",
        help=f"leave out what was recorded so shortly ago: it may be on its way (default: {SETTLE_MINUTES})",
    )
    command.add_argument("--json", action="store_true", help="one JSON document with all ids; `republish` takes it")
    add_options(command, environment_file)
    command.set_defaults(run=run)


def scan(place: Place, window: Window) -> Recorded:
    """The event table's side. Raises SqlError or ScanError."""
    return recorded_versions(place.client("dynamodb", RETRIES), place.ledger().event_table, window)


def run(
    options: argparse.Namespace,
    *,
    scan: Callable[[Place, Window], Recorded] = scan,
    ask_of: Callable[[Place], Ask] = lambda place: Session(place.lake()).run,
) -> int:
    """Run the command; gives its exit status."""
    now = utc_now()
    try:
        window = _window(options, now)
        place = place_of(options)
        ask = ask_of(place)
    except SqlError as error:
        print(f"daybook reconcile: {error}", file=sys.stderr)
        return 2
    try:
        found = reconcile(lambda: scan(place, window), ask, window, today=now.date())
    except (SqlError, ScanError) as error:
        print(f"daybook reconcile: {error}", file=sys.stderr)
        return 3
    print(as_json(found) if options.json else as_text(found))
    print(_cost(found), file=sys.stderr)
    return 0 if found.equal else 1


def as_json(found: Reconciliation) -> str:
    """Everything, as one document."""
    return msgspec.json.format(msgspec.json.encode(found)).decode()


def as_text(found: Reconciliation) -> str:
    """A table of the days, and the first ids of each kind of difference."""
    rows = [tuple(getattr(day, name) for name in day.__struct_fields__) for day in found.days]
    columns = ["day", "event_table", "lake", "missing", "unknown", "late"]
    parts = [as_table(Result(columns, rows, 0))]
    for ids, what in (
        (found.missing, "not in the lake"),
        (found.unknown, "in the lake, but not in the event table"),
        (found.odd, "in the event table without a readable version or booking time"),
    ):
        if ids:
            more = [f"  … and {len(ids) - SHOWN_IDS:,} more: --json lists all"] if len(ids) > SHOWN_IDS else []
            parts.append("\n".join([f"{len(ids):,} {what}:", *(f"  {each}" for each in ids[:SHOWN_IDS]), *more]))
    if any(day.late for day in found.days):
        parts.append(
            "Late events are in the lake, but further from their day than reports read: "
            "`python -m cli report --date D --late-days N` reads more."
        )
    return "\n".join(parts)


def _cost(found: Reconciliation) -> str:
    return f"{found.rows_scanned:,} rows scanned, {found.read_units:,} read units"


def _window(options: argparse.Namespace, now: datetime) -> Window:
    to_day = options.to_day or now.date()
    if not options.from_day <= to_day <= now.date():
        raise SqlError(f"Days go from one to a later one, up to today: not {options.from_day} to {to_day}.")
    return Window(options.from_day, to_day, now - timedelta(minutes=options.settle))


def _minutes(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)
