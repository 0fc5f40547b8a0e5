"""Says what a verification of everything has found."""

from __future__ import annotations

from collections.abc import Iterator

from cli.errors import ExitStatus
from cli.output import Outcome, Output, counted
from cli.verify.verification import Verified
from lambdas.verification.results import Report


def outcome(report: Report, output: Output) -> Outcome:
    """Print the findings and a summary. 0: all is well, 1: something was found, 3: something was not checked."""
    for line in _lines(report):
        output.line(line)
    data = Verified([], report)
    found, unchecked = counted(report.found, "finding"), ", ".join(sorted(report.unchecked))
    if report.found:
        return Outcome(
            data, ExitStatus.FINDING, f"{found}." if not unchecked else f"{found}; not checked: {unchecked}."
        )
    if unchecked:
        return Outcome(data, ExitStatus.UNAVAILABLE, f"Not checked: {unchecked}.")
    return Outcome(data)


def _lines(report: Report) -> Iterator[str]:
    yield from (f"{each.kind}  {each}" for each in report.findings)
    if (left := report.found - len(report.findings)) > 0:
        yield f"and {counted(left, 'other finding')}"
    yield (
        f"{counted(report.events, 'event')} and {counted(report.snapshots, 'snapshot')} of "
        f"{counted(report.accounts, 'account')}, {counted(report.receipts, 'receipt')}, "
        f"{counted(report.commands, 'stored command')} ({report.pending:,} pending)"
    )
    if report.lake_events is not None:
        yield f"the lake: {counted(report.lake_events, 'event')} recorded before {report.settled}, column by column"
    for each in report.read_models:
        yield f"{each.name}: generation {each.generation}, {counted(each.accounts, 'account')}"
    if report.log is not None:
        log = report.log
        yield f"the log: {log.size:,} leaves up to seal {log.seal}, {counted(report.unsealed, 'event')} not sealed yet"
        yield f"  its root {log.root}"
    elif "log" not in report.unchecked:
        yield "the log: nothing is sealed yet"
    for part, reason in sorted(report.unchecked.items()):
        yield f"NOT CHECKED: {part}: {plain_text(reason)}"
    yield f"{counted(report.found, 'finding')}, {report.read_units:,} read units of walks"


def plain_text(reason: str) -> str:
    """Without a full stop."""
    return reason.rstrip(". ")
