"""`python -m cli redrive`: has commands carried out again that failed for a technical reason, or were never tried.

Exit status: 0 all have ended as SUCCEEDED or REJECTED, 1 one has not, 2 usage, 3 AWS could not be asked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from cli.environments.lake import LOCAL
from cli.environments.place import add_options, day
from cli.redrive import finding
from cli.redrive.inbox import Clients, Inbox, RedriveError, inbox_in_aws, inbox_in_file, open_clients
from cli.redrive.redriver import STREAM_RETENTION, Redriver
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.inbox.parked_objects import PREFIX
from lambdas.inbox.stream_records import CommandKey


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser], environment_file: Path) -> None:
    """Add the command's own options."""
    command = commands.add_parser(
        "redrive",
        help="carry out again what failed for a technical reason",
        description="Make failed commands pending again and have them carried out, in the order submitted.",
        epilog="Safe to repeat. Exit status: 0 all have ended, 1 one has not, 2 wrong usage, 3 AWS cannot be asked.",
        allow_abbrev=False,
    )
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--command", nargs=2, metavar=("ACCOUNT_ID", "COMMAND_ID"), help="one command")
    which.add_argument("--failed-on", type=day, metavar="YYYY-MM-DD", help="all that failed on a day (UTC)")
    which.add_argument(
        "--parked", nargs="?", const=PREFIX, metavar="PREFIX", help=f"all in the parking bucket, below {PREFIX}…"
    )
    which.add_argument(
        "--pending-before",
        type=_moment,
        metavar="TIME",
        help="all pending ones submitted before, a day ago at the latest (UTC): reads the whole table",
    )
    command.add_argument("--force", action="store_true", help="of --command, a pending one that the stream may bring")
    command.add_argument("--delete", action="store_true", help="remove parked objects of which every command has ended")
    add_options(command, environment_file)
    command.set_defaults(run=run)


def run(options: argparse.Namespace, *, clients_of: Callable[[Inbox], Clients] = open_clients) -> int:
    """Run the command; gives its exit status."""
    try:
        _check(options)
        inbox = _inbox(options)
        clients = clients_of(inbox)
    except RedriveError as error:
        print(f"daybook redrive: {error}", file=sys.stderr)
        return 2
    try:
        return _redrive(options, clients, inbox)
    except (ClientError, BotoCoreError) as error:
        print(f"daybook redrive: {error}; what was begun can be repeated", file=sys.stderr)
        return 3


def _redrive(options: argparse.Namespace, clients: Clients, inbox: Inbox) -> int:
    parked = [] if options.parked is None else finding.parked(clients, inbox, options.parked)
    unreadable = [each.name for each in parked if not each.readable]
    for name in unreadable:
        print(f"daybook redrive: {name} holds no commands that can be read", file=sys.stderr)
    keys = _found(options, clients, inbox) if options.parked is None else [key for each in parked for key in each.keys]
    ended = set()
    for redriven in Redriver(clients, inbox).redrive(keys, given_up=options.command is None or options.force):
        key = redriven.key
        print(f"{key.account_id}  {key.command_id}  {redriven.status}  {redriven.note}".rstrip(), flush=True)
        if redriven.ended:
            ended.add(key)
    if not keys:
        print("there is nothing to redrive")
    for each in parked if options.delete else []:
        if each.readable and ended.issuperset(each.keys):
            finding.delete(clients, inbox, each)
            print(f"{each.name}: object deleted", flush=True)
    return 0 if ended.issuperset(keys) and not unreadable else 1


def _found(options: argparse.Namespace, clients: Clients, inbox: Inbox) -> list[CommandKey]:
    if options.command is not None:
        return [CommandKey(*options.command)]
    if options.failed_on is not None:
        return finding.failed_on(clients, inbox, options.failed_on.isoformat())
    return finding.pending_before(clients, inbox, options.pending_before)


def _check(options: argparse.Namespace) -> None:
    """Raises RedriveError for options that do not go together, and for a time that is too early to tell."""
    if options.force and options.command is None:
        raise RedriveError("--force goes with --command")
    if options.delete and options.parked is None:
        raise RedriveError("--delete goes with --parked")
    if options.pending_before is not None and options.pending_before > utc_now() - STREAM_RETENTION:
        raise RedriveError("--pending-before is a day ago at the latest: what is younger, the stream may still bring")


def _inbox(options: argparse.Namespace) -> Inbox:
    if options.env != LOCAL:
        return inbox_in_aws(options.env, options.region)
    if options.region is not None:
        raise RedriveError("--region goes with --env dev, staging or prod")
    return inbox_in_file(options.environment_file)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time as 2026-03-01 or 2026-03-01T09:30:00Z") from None
