"""What log lines tell of a trace: stages, stored commands, events, and why there are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from cli.trace.lake import EventId
from cli.trace.log_lines import Line
from cli.trace.stages import Stage, happened
from cli.trace.stored import StoredCommand
from cli.trace.window import Window
from lambdas.inbox.stream_records import CommandKey
from lambdas.inbox.table import PENDING

ANSWERED: Final = "request answered"
ENDED: Final = "a stored command has ended"
PUBLISHED: Final = "events were published"
"""Messages of the API's function, the processor and the publisher. A test holds them against the functions."""

_READS: Final = ("GET", "HEAD")
_FIRST_REFUSAL: Final = 400
_FIRST_FAILURE: Final = 500


def of_line(line: Line, correlation_id: str) -> list[Stage]:
    """The stages of a line: one, and for the publisher's one for each event."""
    trace_id = line.text("xray_trace_id") or None
    message = line.text("message")
    if message == PUBLISHED:
        told = [f"{event} sent to Kinesis" for event in line.events(correlation_id)]
    elif message == ANSWERED:
        told = [_answered(line)]
    elif message == ENDED:
        told = [f"command ended as {line.text('status')}{_because(line.text('problem'))}"]
    else:
        told = [f"{message}{_because(line.text('problem') or line.text('reason'))}"]
    return [happened(line.stage, line.time, each, line.group, trace_id) for each in told]


def _answered(line: Line) -> str:
    replayed = ", a replay" if line.fields.get("replayed") else ""
    status = f"{line.text('method')} {line.text('route')} answered {line.text('status')}"
    return f"{status}{_because(line.text('problem'))}{replayed}"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def event_ids(lines: Iterable[Line], correlation_id: str) -> Iterator[EventId]:
    """The events that lines name."""
    for line in lines:
        for each in line.events(correlation_id):
            account_id, _, version = each.rpartition("/")
            yield account_id, int(version)


def command_keys(lines: Iterable[Line]) -> dict[CommandKey, bool]:
    """The stored commands that lines name, and for each whether one says that it ended."""
    found: dict[CommandKey, bool] = {}
    for line in lines:
        if (account_id := line.text("account_id")) and (command_id := line.text("command_id")):
            key = CommandKey(account_id, command_id)
            found[key] = found.get(key, False) or line.text("message") == ENDED
    return found


def why_no_event(lines: Sequence[Line], commands: Sequence[StoredCommand], window: Window) -> str:
    """Why nothing names an event."""
    if not lines and not commands:
        return f"no function has logged it {window}, and the lake has no event of it; --account looks further"
    logged = (line.text("status") for line in lines if line.text("message") == ENDED)
    if status := next(iter([*(each.status for each in commands), *logged]), ""):
        return "the stored command is not carried out yet" if status == PENDING else f"the command ended as {status}"
    answers = [line for line in lines if line.text("message") == ANSWERED]
    if answers and all(line.text("method") in _READS for line in answers):
        return "a read appends none"
    if answers and all(_FIRST_REFUSAL <= int(line.text("status") or 0) < _FIRST_FAILURE for line in answers):
        return "the request was refused"
    return "no line names one, and the lake has none of it"
