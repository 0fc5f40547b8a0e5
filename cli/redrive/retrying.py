"""Finds the commands that the command line selects, retries them, and prints the status of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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

    def check(self) -> None:
        """Raises UsageError if the stream may still deliver commands submitted before that time."""
        if self.pending_before is not None and self.pending_before > utc_now() - STREAM_RETENTION:
            raise UsageError(
                "--pending-before must be at least a day ago: the stream may still deliver younger commands."
            )


class RedrivenCommand(msgspec.Struct, frozen=True):
    """A command after a redrive: its status or NOT-FOUND, and a note."""

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
    """Retry the selected commands. Raises UnavailableError."""
    with _asking():
        parked = [] if selection.parked is None else finding.parked(clients, inbox, selection.parked or PREFIX)
        unreadable = [each.name for each in parked if not each.readable]
        for name in unreadable:
            output.warn(f"{name} holds no commands that can be read")
        keys = _found(selection, clients, inbox, parked)
        given_up = selection.command is None or force
        commands, ended = _retried(Redriver(clients, inbox), keys, output, given_up=given_up)
        if not keys:
            output.line("there is nothing to redrive")
        done = [each for each in parked if each.readable and ended.issuperset(each.keys)]
        deleted = [_deleted(clients, inbox, each, output) for each in done if delete]
    data = Redriven(commands, deleted, unreadable)
    left = len(set(keys) - ended)
    if left or unreadable:
        objects = f" {counted(len(unreadable), 'object')} could not be read." if unreadable else ""
        return Outcome(
            data, ExitStatus.FINDING, f"{counted(left, 'command')} of {len(set(keys)):,} did not end.{objects}"
        )
    return Outcome(data)


def _found(selection: Selection, clients: Clients, inbox: Inbox, parked: list[ParkedObject]) -> list[CommandKey]:
    if selection.command is not None:
        return [CommandKey(*selection.command)]
    if selection.failed_on is not None:
        return finding.failed_on(clients, inbox, selection.failed_on.isoformat())
    if selection.pending_before is not None:
        return finding.pending_before(clients, inbox, selection.pending_before)
    return [key for each in parked for key in each.keys]


def _retried(
    redriver: Redriver, keys: list[CommandKey], output: Output, *, given_up: bool
) -> tuple[list[RedrivenCommand], set[CommandKey]]:
    """All commands after the redrive, and the keys of those that have ended."""
    found, ended = [], set()
    with Steps("Retrying commands", len(keys)) as steps:
        for each in redriver.redrive(keys, given_up=given_up):
            key = each.key
            output.line(f"{key.account_id}  {key.command_id}  {each.status}  {each.note}".rstrip())
            found.append(RedrivenCommand(key.account_id, key.command_id, each.status, each.note))
            if each.ended:
                ended.add(key)
            steps.advance()
    return found, ended


def _deleted(clients: Clients, inbox: Inbox, parked: ParkedObject, output: Output) -> str:
    finding.delete(clients, inbox, parked)
    output.line(f"{parked.name}: object deleted")
    return parked.name


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError, UnavailableError) as error:
        raise UnavailableError(f"{plain(error)}; repeating the command is safe") from error
