"""Finds the commands that the command line selects, retries them, and prints the status of each."""

from __future__ import annotations

from datetime import date, datetime

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import ExitStatus, UnavailableError, UsageError, plain
from cli.output import Outcome, Output, counted
from cli.progress import Steps
from cli.redrive import finding
from cli.redrive.finding import ParkedObject
from cli.redrive.inbox import Clients, Inbox
from cli.redrive.redriver import STREAM_RETENTION, Redriver
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.inbox.parked_objects import PREFIX
from lambdas.inbox.stream_records import CommandKey


class Selection(msgspec.Struct, frozen=True):
    """One command by its ids, or all that failed on a day, are parked below a prefix, or PENDING since a time."""

    command: tuple[str, str] | None
    failed_on: date | None
    parked: str | None
    pending_before: datetime | None

    def check(self, clients: Clients, inbox: Inbox) -> None:
        """Raises UsageError if the stream may still deliver commands submitted before that time. Raises ClientError.

        It cannot deliver what is older than itself: the rows of a restored table.
        """
        if self.pending_before is None or self.pending_before <= utc_now() - STREAM_RETENTION:
            return
        if self.pending_before > finding.stream_began(clients, inbox):
            raise UsageError(
                "--pending-before must be at least a day ago, or before the table was restored: "
                "the stream may still deliver younger commands."
            )


class RedrivenCommand(msgspec.Struct, frozen=True):
    """A command after a redrive: its status or NOT-FOUND, and a note. `command_id` is `<caller>/<key>`, as stored."""

    account_id: str
    command_id: str
    status: str
    note: str


class Redriven(msgspec.Struct, frozen=True):
    """All commands that were found, the parked objects that were deleted, and those that could not be read."""

    commands: list[RedrivenCommand]
    deleted_objects: list[str]
    unreadable_objects: list[str]


def retry(
    clients: Clients, inbox: Inbox, selection: Selection, output: Output, *, force: bool, delete: bool
) -> Outcome:
    """Retry the selected commands. Raises UnavailableError, whose data is what was done until then."""
    done = Redriven([], [], [])
    try:
        keys, ended = _retry(clients, inbox, selection, output, done, force=force, delete=delete)
    except (ClientError, BotoCoreError, UnavailableError) as error:
        raise UnavailableError(f"{plain(error)}; repeating the command is safe", data=done) from error
    left = len(set(keys) - ended)
    if left or done.unreadable_objects:
        unreadable = counted(len(done.unreadable_objects), "object")
        objects = f" {unreadable} could not be read." if done.unreadable_objects else ""
        return Outcome(
            done, ExitStatus.FINDING, f"{counted(left, 'command')} of {len(set(keys)):,} did not end.{objects}"
        )
    return Outcome(done)


def _retry(
    clients: Clients, inbox: Inbox, selection: Selection, output: Output, done: Redriven, *, force: bool, delete: bool
) -> tuple[list[CommandKey], set[CommandKey]]:
    """Note in `done` what is done; the keys that were found, and of them those that have ended."""
    selection.check(clients, inbox)
    with Steps("Finding commands"):
        parked = [] if selection.parked is None else finding.parked(clients, inbox, selection.parked or PREFIX)
        keys = _found(selection, clients, inbox, parked)
    for each in parked:
        if not each.readable:
            done.unreadable_objects.append(each.name)
        for problem in each.problems:
            output.warn(f"{each.name} {problem}")
    given_up = selection.command is None or force
    ended = _retried(Redriver(clients, inbox), keys, output, done, given_up=given_up)
    if not keys:
        output.line("there is nothing to redrive")
    for each in parked if delete else []:
        if each.readable and ended.issuperset(each.keys):
            finding.delete(clients, inbox, each)
            done.deleted_objects.append(each.name)
            output.line(f"{each.name}: object deleted")
    return keys, ended


def _found(selection: Selection, clients: Clients, inbox: Inbox, parked: list[ParkedObject]) -> list[CommandKey]:
    if selection.command is not None:
        return [CommandKey(*selection.command)]
    if selection.failed_on is not None:
        return finding.failed_on(clients, inbox, selection.failed_on.isoformat())
    if selection.pending_before is not None:
        return finding.pending_before(clients, inbox, selection.pending_before)
    return [key for each in parked for key in each.keys]


def _retried(
    redriver: Redriver, keys: list[CommandKey], output: Output, done: Redriven, *, given_up: bool
) -> set[CommandKey]:
    """Note all commands after the redrive; the keys of those that have ended."""
    ended = set()
    with Steps("Retrying commands", len(keys)) as steps:
        for each in redriver.redrive(keys, given_up=given_up):
            key = each.key
            output.line(f"{key.account_id}  {key.command_id}  {each.status}  {each.note}".rstrip())
            done.commands.append(RedrivenCommand(key.account_id, key.command_id, each.status, each.note))
            if each.ended:
                ended.add(key)
            steps.advance()
    return ended
