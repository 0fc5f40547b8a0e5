"""Follows a correlation id: from the functions' log lines to commands and events, and from these to stream and lake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final, TypeVar

import msgspec

from cli.errors import ExitStatus, QueryFailedError, UnavailableError, plain
from cli.output import Outcome, Output
from cli.progress import Steps
from cli.trace import log_stages
from cli.trace.lake import EventId, LakeRow, lake_rows
from cli.trace.log_lines import Line, Lines
from cli.trace.sources import Sources
from cli.trace.stages import Name, Stage, Trace, happened, in_order, missing, table
from cli.trace.stored import StoredCommand
from cli.trace.stream import NotInStreamError
from cli.trace.window import Window
from lambdas.contracts.domain_events import domain_event
from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.errors import EventSourcingError
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.rows import EventRow, Metadata
from lambdas.eventsourcing.timestamps import format_timestamp, parse_timestamp
from lambdas.inbox.stream_records import CommandKey
from lambdas.inbox.table import PENDING, SUCCEEDED
from stacks.environment import ENVIRONMENTS

MOST_EVENTS: Final = 20
"""Of one correlation id. Each is a query of the table and a search in the stream."""

T = TypeVar("T")
_metadata = msgspec.json.Decoder(Metadata)


class Request(msgspec.Struct, frozen=True):
    """What is asked for."""

    correlation_id: str
    window: Window
    account_id: str | None
    seconds: int


def show(sources: Sources, request: Request, environment: str, output: Output) -> Outcome:
    """Follow it and print the table. The exit status says whether anything was found, and all sources answered."""
    with Steps(f"Following {request.correlation_id}"):
        following = Following(sources, request, environment)
        stages = in_order(following.stages())
    window = request.window
    found = Trace(request.correlation_id, format_timestamp(window.since), format_timestamp(window.until), stages)
    output.line(table(found))
    for each in following.failures:
        output.warn(each)
    if following.failures:
        return Outcome(found, ExitStatus.UNAVAILABLE, f"Not all was read: {following.failures[0]}.")
    if not any(each.found for each in stages):
        return Outcome(found, ExitStatus.FINDING, f"Nothing has the correlation id {request.correlation_id} {window}.")
    return Outcome(found)


class Following:
    """One trace. A source that fails is a stage that is not found, and stops none of the others."""

    def __init__(self, sources: Sources, request: Request, environment: str) -> None:
        self._sources = sources
        self._request = request
        self._lake_seconds = ENVIRONMENTS[environment].lake_interval_seconds
        self._deadline = Deadline(request.seconds)
        self._stages: list[Stage] = []
        self.failures: list[str] = []

    def stages(self) -> list[Stage]:
        """All stages, in no order."""
        lines = self._lines()
        commands = self._commands(lines)
        lake = self._lake()
        ids = sorted({*log_stages.event_ids(lines, self._request.correlation_id), *_ends(commands), *(lake or {})})
        for each in ids[:MOST_EVENTS]:
            self._event(each, lake)
        if len(ids) > MOST_EVENTS:
            self._stages.append(missing("event", f"{len(ids) - MOST_EVENTS} more are not followed"))
        if not ids:
            self._stages.append(missing("event", log_stages.why_no_event(lines, commands, self._request.window)))
        return self._stages

    def _asked(self, stage: Name, ask: Callable[[], T], otherwise: T) -> T:
        try:
            return ask()
        except (UnavailableError, QueryFailedError, EventSourcingError, *FAILURES) as error:
            self.failures.append(plain(error))
            self._stages.append(missing(stage, f"not read: {plain(error)}"))
            return otherwise

    def _lines(self) -> list[Line]:
        request = self._request
        read = self._asked(
            "request",
            lambda: self._sources.logs.about(request.correlation_id, request.window, self._deadline),
            Lines([], complete=True),
        )
        self._stages += [each for line in read.lines for each in log_stages.of_line(line, request.correlation_id)]
        if not read.complete:
            why = f"not all log lines {request.window} were read: give a narrower window or a longer --timeout"
            self._stages.append(missing("request", why))
        return read.lines

    def _commands(self, lines: Iterable[Line]) -> list[StoredCommand]:
        """The rows of the stored commands that lines name, and of those that the account has."""
        request, commands = self._request, self._sources.commands
        found: dict[CommandKey, StoredCommand] = {}
        if request.account_id is not None:
            account_id = request.account_id
            its: list[StoredCommand] = []
            its = self._asked(
                "stored", lambda: commands.of_account(account_id, request.correlation_id, self._deadline), its
            )
            found |= {each.key: each for each in its}
        ended = log_stages.command_keys(lines)
        for key in sorted(ended.keys() - found.keys()):
            row = self._asked("stored", partial(commands.row, key), None)
            if row is None:
                self._stages.append(missing("stored", "its row is gone: invalid commands expire", _name(key)))
            else:
                found[key] = row
        for key, row in found.items():
            self._stages += _of_command(row, logged=ended.get(key, False))
        return list(found.values())

    def _lake(self) -> Mapping[EventId, LakeRow] | None:
        request = self._request
        return self._asked("lake", lambda: lake_rows(self._sources.lake, request.correlation_id, request.window), None)

    def _event(self, event: EventId, lake: Mapping[EventId, LakeRow] | None) -> None:
        account_id, version = event
        where = f"{account_id}/{version}"
        row = self._asked("event", lambda: self._row(account_id, version), None)
        if row is None:
            self._stages.append(missing("event", "no such row in the event table", where))
            return
        whose = _metadata.decode(row.metadata).correlation_id
        mine = whose == self._request.correlation_id
        by = "" if mine else f", by an earlier request: {whose}"
        self._stages.append(happened("event", row.recorded_at, f"{row.type} recorded{by}", where))
        if mine:
            self._arrival(row)
            if lake is not None:
                self._stages.append(self._lake_row(row, lake.get(event)))

    def _row(self, account_id: str, version: int) -> EventRow | None:
        page = self._sources.events.read(account_id, after=version - 1, up_to=version, deadline=Deadline())
        return page.rows[0] if page.rows else None

    def _arrival(self, row: EventRow) -> None:
        recorded = parse_timestamp(row.recorded_at)
        try:
            found = self._asked(
                "stream",
                lambda: self._sources.stream.find(row.stream_id, row.version, recorded, self._deadline),
                None,
            )
        except NotInStreamError as error:
            self._stages.append(missing("stream", str(error), f"{row.stream_id}/{row.version}"))
            return
        if found is not None:
            where = f"{found.shard} {found.sequence_number}"
            self._stages.append(happened("stream", found.time, f"{_published(row)} arrived", where))

    def _lake_row(self, row: EventRow, found: LakeRow | None) -> Stage:
        if found is None:
            first, last = self._request.window.partitions
            why = f"in no partition from {first} to {last}; Firehose writes a file every {self._lake_seconds} seconds"
            return missing("lake", why, f"{row.stream_id}/{row.version}")
        times = "" if found.deliveries == 1 else f", {found.deliveries} times"
        return happened("lake", None, f"{row.stream_id}/{row.version} is there{times}", f"events/dt={found.partition}/")


def _published(row: EventRow) -> str:
    try:
        return domain_event(row).type
    except EventSourcingError:
        return row.type


def _of_command(row: StoredCommand, *, logged: bool) -> list[Stage]:
    """The row's stages: its end, too, if no line of the processor tells it."""
    where = _name(row.key)
    stages = [happened("stored", row.submitted_at or None, f"command stored; it is {row.status}", where)]
    if row.status != PENDING and row.completed_at and not logged:
        stages.append(happened("processor", row.completed_at, f"command ended as {row.status}", where))
    return stages


def _ends(commands: Iterable[StoredCommand]) -> list[EventId]:
    """The events of commands that succeeded, on the accounts that they are stored under."""
    return [(each.key.account_id, each.version) for each in commands if each.status == SUCCEEDED and each.version]


def _name(key: CommandKey) -> str:
    return f"{key.account_id} {key.command_id}"
