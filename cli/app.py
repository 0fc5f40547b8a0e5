"""The operators' commands, `python -m cli …`: `verify`, `reconcile`, `republish`, `sql`, `report` and `redrive`.

Exit status of `verify`: 0 every account verifies; 1 a history is broken, or there is none; 2 the command line or the
environment file is wrong; 3 nothing is known to be broken, but an account could not be read.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from cli.environments.ledger import Ledger, LedgerError, ledger_in_file, open_store
from cli.environments.place import account_id
from cli.reconcile import command as reconcile
from cli.redrive import command as redrive
from cli.report import command as report
from cli.republish import command as republish
from cli.sql import command as sql
from cli.verify.verification import VERIFIED, Verification, as_json, as_text, exit_status, verify
from lambdas.eventsourcing.store import EventStore

ENVIRONMENT_FILE = Path(".local/environment.json")


def main(arguments: Sequence[str] | None = None, *, store_of: Callable[[Ledger], EventStore] = open_store) -> int:
    """Run a command; gives its exit status. Wrong usage ends in SystemExit(2)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run is not None:
        status: int = options.run(options)
        return status
    try:
        store = store_of(_ledger(options))
    except LedgerError as error:
        parser.error(str(error))
    results: list[Verification] = []
    for each in options.account_ids:
        results.append(verify(store, each))
        if not options.json:
            print(as_text(results[-1]), flush=True)
    if options.json:
        print(as_json(results))
    elif len(results) > 1:
        print(f"{sum(each.status == VERIFIED for each in results)} of {len(results)} accounts verify")
    return exit_status(results)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cli", description="Operate a Daybook ledger.", allow_abbrev=False)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    command = commands.add_parser(
        "verify",
        help="check that the history of accounts is as it was written",
        description="Check versions, hashes, times and snapshots of all events of the accounts, from the first one on.",
        epilog="Exit status: 0 all verify, 1 broken or without a history, 2 wrong usage, 3 could not be read.",
        allow_abbrev=False,
    )
    command.add_argument("account_ids", nargs="+", type=account_id, metavar="ACCOUNT_ID", help="a UUID")
    where = command.add_mutually_exclusive_group()
    where.add_argument(
        "--environment-file",
        type=Path,
        default=ENVIRONMENT_FILE,
        metavar="PATH",
        help=f"what `make run` wrote about the running system (default: {ENVIRONMENT_FILE})",
    )
    where.add_argument(
        "--event-table", metavar="NAME", help="the event table in AWS; credentials as AWS's own tools find them"
    )
    command.add_argument("--region", help="of the event table (default: as AWS's own tools find it)")
    command.add_argument("--json", action="store_true", help="one JSON document instead of a line an account")
    command.set_defaults(run=None)
    reconcile.add_parser(commands, ENVIRONMENT_FILE)
    republish.add_parser(commands, ENVIRONMENT_FILE)
    sql.add_parser(commands, ENVIRONMENT_FILE)
    report.add_parser(commands, ENVIRONMENT_FILE)
    redrive.add_parser(commands, ENVIRONMENT_FILE)
    return parser


def _ledger(options: argparse.Namespace) -> Ledger:
    if options.event_table is not None:
        return Ledger(options.event_table, options.region)
    if options.region is not None:
        raise LedgerError("--region goes with --event-table")
    try:
        return ledger_in_file(options.environment_file)
    except LedgerError as error:
        raise LedgerError(f"{error} `make run` starts it, or give --event-table.") from error
