"""Prints what a run of the sealer did and found."""

from __future__ import annotations

from collections.abc import Iterator

from cli.errors import ExitStatus
from cli.output import Outcome, Output, counted
from lambdas.transparency.findings import Sealed


def told(found: Sealed, output: Output) -> Outcome:
    """The outcome: forks, and events that wait too long for one before them, need attention."""
    for line in _lines(found):
        output.line(line)
    return Outcome(found, ExitStatus.FINDING if _detail(found) else ExitStatus.OK, _detail(found))


def _lines(found: Sealed) -> Iterator[str]:
    if found.seals:
        made = f"seal {found.seals[0]}" if len(found.seals) == 1 else f"seals {found.seals[0]} to {found.seals[-1]}"
        yield f"Made {made} of {leaves(found.leaves)}."
    else:
        yield "There was nothing new to seal."
    yield ""
    yield from found.checkpoint.rstrip("\n").split("\n")
    yield ""
    yield f"The log has {leaves(found.size)}. Keep the checkpoint and this key outside the account:"
    yield found.vkey
    if not found.complete:
        yield "There is more to seal than one run has time for: repeat the command."
    yield from _found(found)


def leaves(number: int) -> str:
    """`1 leaf`, `2 leaves`."""
    return f"{number:,} {'leaf' if number == 1 else 'leaves'}"


def _found(found: Sealed) -> Iterator[str]:
    """A line about each fork and each hole that is named."""
    for fork in found.forks:
        yield (
            f"FORK: version {fork.version} of {fork.account_id} has the hash {fork.found}, "
            f"and the log has {fork.expected}"
        )
    yield from _rest(found.fork_count, len(found.forks), "fork")
    for hole in found.holes:
        yield f"waits: the lake lacks version {hole.version} of {hole.account_id} since {hole.since}"
    yield from _rest(found.hole_count, len(found.holes), "hole")


def _rest(count: int, named: int, what: str) -> Iterator[str]:
    if count > named:
        yield f"and {counted(count - named, f'more {what}')}"


def _detail(found: Sealed) -> str:
    """A sentence if something needs attention."""
    problems = []
    if found.fork_count:
        differ = "account differs" if found.fork_count == 1 else "accounts differ"
        problems.append(f"{found.fork_count:,} {differ} in the lake from what was sealed")
    if found.overdue_count:
        wait = "account waits" if found.overdue_count == 1 else "accounts wait"
        problems.append(
            f"{found.overdue_count:,} {wait} too long for an event that the lake lacks (`daybook reconcile`)"
        )
    return f"{'; '.join(problems)}." if problems else ""
