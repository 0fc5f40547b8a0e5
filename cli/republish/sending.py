"""Sends the events that the command line selects, and names those that could not be sent."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import ExitStatus, UnavailableError, UsageError, plain
from cli.output import Outcome, Output, counted
from cli.progress import Steps
from cli.republish.parked_records import Replayed, replay
from cli.republish.places import Parts
from cli.republish.recorded_events import Span
from cli.republish.republisher import Resender, resend, spans_of
from lambdas.eventsourcing.errors import ReadUnavailableError

_UNANSWERED = (UnavailableError, ReadUnavailableError, ClientError, BotoCoreError)


class _Missing(msgspec.Struct):
    """The part of `reconcile --json` that is used."""

    missing: list[str]


class _Document(msgspec.Struct):
    data: _Missing


class Asked(msgspec.Struct, frozen=True):
    """What to send: spans of recorded events or, if `spans` is None, those that parked objects below a prefix name.

    `unverified`: also rows whose hash does not follow from the row before.
    """

    spans: Sequence[Span] | None
    unverified: bool = False
    prefix: str = ""
    delete: bool = False


class Republished(msgspec.Struct, frozen=True):
    """How many events were sent, the result of each parked object, and why events were not sent."""

    events: int
    objects: list[Replayed]
    problems: list[str]


def recorded_events(account: str, first: int | None, last: int | None, *, unverified: bool = False) -> Asked:
    """Events of one account, from a version to a version. Raises UsageError."""
    first = first or 1
    if last is not None and last < first:
        raise UsageError(f"--to {last} is before --from {first}.")
    return Asked([Span(account, first - 1, last)], unverified)


def listed_events(file: str, *, unverified: bool = False) -> Asked:
    """The events that `reconcile --json` found missing, from a file or standard input. Raises UsageError."""
    try:
        text: Any = sys.stdin.read() if file == "-" else Path(file).read_bytes()
        return Asked(spans_of(msgspec.json.decode(text, type=_Document).data.missing), unverified)
    except OSError as error:
        raise UsageError(f"Cannot read {file}: {error.strerror}.") from error
    except (ValueError, msgspec.MsgspecError) as error:
        raise UsageError(f"{file} is not what `reconcile --json` writes: {error}.") from error


def send(parts: Parts, asked: Asked, output: Output) -> Outcome:
    """Send all of it. An event that cannot be sent does not stop the others."""
    problems: list[str] = []
    objects: list[Replayed] = []
    with Steps("Sending domain events") as steps:
        resender = Resender(parts.sender, on_sent=steps.advance)
        try:
            found = _replayed(parts, asked, resender, objects, output)
            if asked.spans is not None:
                found = resend(parts.recorded, asked.spans, resender, unverified=asked.unverified)
            for problem in found:
                problems.append(problem)
                output.warn(f"not sent: {problem}")
        except _UNANSWERED as error:
            problems.append(f"{plain(error)}.")
            output.warn(f"{plain(error)}. Repeating the command is safe.")
    output.line(f"{counted(resender.sent, 'event')} sent")
    data = Republished(resender.sent, objects, problems)
    if problems:
        return Outcome(data, ExitStatus.FINDING, f"Not everything was sent: {problems[0].rstrip('.')}.")
    return Outcome(data)


def _replayed(parts: Parts, asked: Asked, resender: Resender, objects: list[Replayed], output: Output) -> Iterator[str]:
    objects_sent = replay(
        parts.parking(), asked.prefix, parts.recorded, resender, delete=asked.delete, unverified=asked.unverified
    )
    for each in objects_sent:
        objects.append(each)
        output.line(f"{each.key}: {counted(each.events, 'event')} sent{', object deleted' if each.deleted else ''}")
        yield from (f"{each.key}: {problem}" for problem in each.problems)
    if not objects and asked.prefix:
        yield f"no object of the parking bucket has a key that begins with {asked.prefix!r}"
