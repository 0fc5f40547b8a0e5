"""The stages of a trace, and their table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypeAlias

import msgspec

from cli.sql.output import as_table
from cli.sql.session import Result
from lambdas.eventsourcing.timestamps import format_timestamp, parse_timestamp

Name: TypeAlias = Literal["request", "stored", "processor", "event", "publisher", "stream", "lake"]
ORDER: tuple[Name, ...] = ("request", "stored", "processor", "event", "publisher", "stream", "lake")


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, or one that was not found and why (`what`).

    `time` is RFC 3339 in UTC; null for a row of the lake, which has a day of arrival only. `milliseconds` count from
    the first stage. `where` names the log group, row, record or partition. `xray_trace_id` is the log line's.
    """

    stage: Name
    found: bool
    time: str | None
    milliseconds: int | None = None
    what: str
    where: str
    xray_trace_id: str | None = None


class Trace(msgspec.Struct, frozen=True):
    """All stages: those with a time in its order, then those without, then what was not found."""

    correlation_id: str
    since: str
    until: str
    stages: list[Stage]


def happened(
    stage: Name, time: datetime | str | None, what: str, where: str, xray_trace_id: str | None = None
) -> Stage:
    """A stage that was found."""
    text = format_timestamp(time) if isinstance(time, datetime) else time
    return Stage(stage=stage, found=True, time=text, what=what, where=where, xray_trace_id=xray_trace_id)


def missing(stage: Name, why: str, where: str = "") -> Stage:
    """A stage that was not found."""
    return Stage(stage=stage, found=False, time=None, what=f"not found ({why})", where=where)


def in_order(stages: Sequence[Stage]) -> list[Stage]:
    """The stages as a trace has them, each with the milliseconds since the first."""
    timed = sorted((each for each in stages if each.time), key=lambda each: (each.time, ORDER.index(each.stage)))
    others = sorted(
        (each for each in stages if not each.time), key=lambda each: (not each.found, ORDER.index(each.stage))
    )
    return [*(_since(timed[0], each) for each in timed), *others]


def _since(first: Stage, stage: Stage) -> Stage:
    passed = parse_timestamp(stage.time or "") - parse_timestamp(first.time or "")
    return msgspec.structs.replace(stage, milliseconds=round(passed.total_seconds() * 1000))


def table(trace: Trace) -> str:
    """The stages under headings, and the X-Ray traces that they name."""
    rows = [(each.stage, each.time or "", each.milliseconds, each.what, each.where) for each in trace.stages]
    shown = as_table(Result(["stage", "time", "ms", "what", "where"], list(rows), 0))
    traces = sorted({each.xray_trace_id for each in trace.stages if each.xray_trace_id})
    return "\n".join([shown, *(f"X-Ray trace {each}" for each in traces)])
