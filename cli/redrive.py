"""`daybook redrive`: has commands carried out again that failed for a technical reason.

Exit status: 0 all have ended as SUCCEEDED or REJECTED, 1 one has not, 2 usage, 3 AWS could not be asked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from cli import redrive_finding as finding
from cli.redrive_target import Clients, Inbox, RedriveError, inbox_in_aws, inbox_in_file, open_clients
from cli.redriving import Redriver
from lambdas.processing.parked_objects import PREFIX
from lambdas.processing.stream_records import CommandKey

LOCAL: Final = "local"


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
    which.add_argument("--failed-on", type=_day, metavar="YYYY-MM-DD", help="all that failed on a day (UTC)")
    which.add_argument(
        "--parked", nargs="?", const=PREFIX, metavar="PREFIX", help=f"all in the parking bucket, below {PREFIX}…"
    )
    command.add_argument("--env", default=LOCAL, metavar="NAME", help="local (default), dev, staging or prod")
    command.add_argument("--environment-file", type=Path, default=environment_file, metavar="PATH", help="of local")
    command.add_argument("--region", help="of another --env than local (default: as AWS's own tools find it)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace, *, clients_of: Callable[[Inbox], Clients] = open_clients) -> int:
    """Run the command; gives its exit status."""
    try:
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
    keys, unreadable = _which(options, clients, inbox)
    for name in unreadable:
        print(f"daybook redrive: {name} holds no commands that can be read", file=sys.stderr)
    ended = not unreadable
    for redriven in Redriver(clients, inbox).redrive(keys):
        key = redriven.key
        print(f"{key.account_id}  {key.command_id}  {redriven.status}  {redriven.note}".rstrip(), flush=True)
        ended = ended and redriven.ended
    if not keys:
        print("there is nothing to redrive")
    return 0 if ended else 1


def _which(options: argparse.Namespace, clients: Clients, inbox: Inbox) -> tuple[list[CommandKey], list[str]]:
    if options.command is not None:
        return [CommandKey(*options.command)], []
    if options.failed_on is not None:
        return finding.failed_on(clients, inbox, options.failed_on), []
    return finding.parked(clients, inbox, options.parked)


def _inbox(options: argparse.Namespace) -> Inbox:
    if options.env != LOCAL:
        return inbox_in_aws(options.env, options.region)
    if options.region is not None:
        raise RedriveError("--region goes with --env dev, staging or prod")
    return inbox_in_file(options.environment_file)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day as YYYY-MM-DD") from None
