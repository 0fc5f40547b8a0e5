"""`python -m cli republish`: domain events once more, of an account, of ids that are missing, or of what was parked.

Safe to repeat: an event's id is always the same. Exit status: 0 all were sent; 1 something was not, or is not
there; 2 usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.environments.lake import SqlError, plain
from cli.environments.ledger import LedgerError, open_store
from cli.environments.place import Place, account_id, add_options, place_of
from cli.republish.recorded_events import Recorded, Span
from cli.republish.republisher import NotSentError, Resender, counted, resend, spans_of
from cli.storage.parked import ParkingBucket, ParkingPlaceError, replay
from cli.storage.table_scan import RETRIES
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.publishing.kinesis import KinesisSender

ONE_ATTEMPT: Final = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 1, "mode": "standard"})
"""Of Kinesis: the sender tries again by itself, in order."""

_UNANSWERED = (NotSentError, ParkingPlaceError, ReadUnavailableError, ClientError, BotoCoreError)


class _Missing(msgspec.Struct):
    """Of `reconcile --json`, what is used."""

    missing: list[str]


class Parts(msgspec.Struct, frozen=True):
    """What the command works with. `parking` is called when it is needed."""

    recorded: Recorded
    sender: KinesisSender
    parking: Callable[[], ParkingBucket]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser], environment_file: Path) -> None:
    """Add the command's own options."""
    command = commands.add_parser(
        "republish",
        help="send domain events once more",
        description="Send domain events to Kinesis once more. Consumers drop the ids that they have seen.",
        epilog="It is safe to repeat. Exit status: 0 all were sent, 1 something was not or is not there, 2 usage.",
        allow_abbrev=False,
    )
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--account", type=account_id, metavar="ID", help="rows of one account")
    what.add_argument("--ids", metavar="FILE", help="what `reconcile --json` found missing; `-` is standard input")
    what.add_argument(
        "--parked",
        nargs="?",
        const="",
        metavar="PREFIX",
        help="records in the parking bucket below a prefix (default: all)",
    )
    command.add_argument("--from", dest="first", type=_version, metavar="VERSION", help="of --account (default: 1)")
    command.add_argument("--to", dest="last", type=_version, metavar="VERSION", help="of --account (default: newest)")
    command.add_argument("--delete", action="store_true", help="remove parked objects of which everything was sent")
    add_options(command, environment_file)
    command.set_defaults(run=run)


def open_parts(place: Place) -> Parts:
    """The environment's table, stream and bucket. Raises SqlError or LedgerError."""
    return Parts(
        Recorded(open_store(place.ledger())),
        KinesisSender(
            place.client("kinesis", ONE_ATTEMPT), stream=place.output("DomainEvents", "DomainEventStreamName")
        ),
        lambda: ParkingBucket(place.client("s3", RETRIES), place.output("DomainEvents", "ParkingBucketName")),
    )


def run(options: argparse.Namespace, *, parts_of: Callable[[Place], Parts] = open_parts) -> int:
    """Run the command; gives its exit status."""
    try:
        spans = _spans(options)
        parts = parts_of(place_of(options))
    except (SqlError, LedgerError) as error:
        print(f"daybook republish: {error}", file=sys.stderr)
        return 2
    resender = Resender(parts.sender)
    problems = 0
    try:
        found = _replayed(options, parts, resender) if spans is None else resend(parts.recorded, spans, resender)
        for problem in found:
            problems += 1
            print(f"daybook republish: not sent: {problem}", file=sys.stderr, flush=True)
    except _UNANSWERED as error:
        problems += 1
        print(f"daybook republish: {plain(error)}. Repeat it: nothing is lost by that.", file=sys.stderr)
    print(f"{counted(resender.sent, 'event')} sent")
    return 1 if problems else 0


def _replayed(options: argparse.Namespace, parts: Parts, resender: Resender) -> Iterator[str]:
    each = None
    for each in replay(parts.parking(), options.parked, resender, delete=options.delete):
        print(
            f"{each.key}: {counted(each.events, 'event')} sent{', object deleted' if each.deleted else ''}", flush=True
        )
        yield from (f"{each.key}: {problem}" for problem in each.problems)
    if each is None and options.parked:
        yield f"no object of the parking bucket has a key that begins with {options.parked!r}"


def _spans(options: argparse.Namespace) -> list[Span] | None:
    """What to read from the table; None is what was parked. Raises SqlError."""
    if options.account is None and (options.first, options.last) != (None, None):
        raise SqlError("--from and --to go with --account.")
    if options.parked is None and options.delete:
        raise SqlError("--delete goes with --parked.")
    if options.account is not None:
        first = options.first or 1
        if options.last is not None and options.last < first:
            raise SqlError(f"--to {options.last} is before --from {first}.")
        return [Span(options.account, first - 1, options.last)]
    return None if options.ids is None else _listed(options.ids)


def _listed(file: str) -> list[Span]:
    try:
        text: Any = sys.stdin.read() if file == "-" else Path(file).read_bytes()
        return spans_of(msgspec.json.decode(text, type=_Missing).missing)
    except OSError as error:
        raise SqlError(f"Cannot read {file}: {error.strerror}.") from error
    except (ValueError, msgspec.MsgspecError) as error:
        raise SqlError(f"{file} is not what `reconcile --json` writes: {error}.") from error


def _version(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a version: 1, 2, 3 …")
    return int(text)
