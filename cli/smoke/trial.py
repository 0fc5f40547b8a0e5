"""The steps of one run: those on the account, and what follows in the stream, a read model, the lake and the report."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from cli.errors import ExitStatus
from cli.output import Outcome, Output
from cli.progress import Steps as Progress
from cli.smoke.places import Parts
from cli.smoke.report import write_report
from lambdas.accounts.events import BalanceCredited
from lambdas.accounts.money import TEST_CURRENCY
from lambdas.contracts.domain_events import TYPE_PREFIX
from lambdas.eventsourcing.timestamps import parse_timestamp
from lambdas.smoke.account import PAID_IN, TriedAccount
from lambdas.smoke.steps import Step, StepFailedError, StepResult, all_well, run_steps

NO_LAKE: Final = "--no-lake was given"
_WORDS: Final = {"ok": "ok", "failed": "FAILED", "not-run": "not run", "left-out": "left out"}


class Trial(msgspec.Struct, frozen=True):
    """One run: its correlation id, under which everything of it is found, and how each step ended."""

    correlation_id: str
    steps: list[StepResult]


def new_run(now: datetime) -> str:
    """The correlation id of a run, which is also part of its idempotency keys."""
    return f"smoke-{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def opening_key(now: datetime) -> str:
    """The key that opens the account of a day (UTC): runs of one day and caller share it, so few accounts pile up."""
    return f"smoke-{now:%Y-%m-%d}"


def steps_of(parts: Parts, account: TriedAccount, run: str, now: datetime, *, with_lake: bool) -> list[Step]:
    """All steps, in their order."""

    def event() -> str:
        credited = account.credited
        found = parts.stream.find(account.account_id, credited.version, parse_timestamp(credited.updated_at))
        kind, _, _ = str(found.get("type")).rpartition(".v")
        told = (kind, found.get("data"), found.get("correlationid"))
        right = (TYPE_PREFIX + BalanceCredited.__name__, {"amount": PAID_IN, "currency": TEST_CURRENCY}, run)
        if told != right:
            what = f"the event {found.get('id')} is in the stream"
            raise StepFailedError(what, f"it is {told}, and not {right}", "the release of the publisher")
        return f"{found['id']}, as {found['type']}"

    def row() -> str:
        credited = account.credited
        booked = parse_timestamp(credited.updated_at).date()
        return f"there after {parts.lake.find(f'{account.account_id}/{credited.version}', booked):.0f} s"

    yesterday = (now - timedelta(days=1)).date()
    return [
        *account.steps(),
        Step(name="event", check=event, needs=("credit",)),
        Step(name="read model", check=lambda: parts.listing.find(account.withdrawn), needs=("withdraw", "event")),
        Step(name="row in the lake", check=row, needs=("event",), left_out="" if with_lake else NO_LAKE),
        Step(name="named query", check=lambda: parts.lake.reconcile(now.date())),
        Step(
            name="daily report",
            check=lambda: write_report(parts.functions, parts.report_function, yesterday, parts.report_use),
        ),
    ]


def try_out(
    parts: Parts, run: str, now: datetime, output: Output, *, with_lake: bool, monotonic: Callable[[], float]
) -> Outcome:
    """Run all steps, and print each when it has ended."""
    account = TriedAccount(parts.api, opening_key=opening_key(now), run=run)
    steps = steps_of(parts, account, run, now, with_lake=with_lake)
    wide = max(len(step.name) for step in steps)
    began = monotonic()
    with Progress("Trying the system out", len(steps)) as progress:

        def ended(result: StepResult) -> None:
            output.line(as_text(result, wide))
            progress.advance()

        results = run_steps(steps, ended=ended, monotonic=monotonic)
    output.line(_summary(results, run, monotonic() - began))
    status = ExitStatus.OK if all_well(results) else ExitStatus.FINDING
    return Outcome(Trial(run, results), status, _failed(results))


def as_text(result: StepResult, wide: int) -> str:
    """A line about a step; a failed one has three."""
    took = f"{result.seconds:7.2f} s" if result.status in {"ok", "failed"} else " " * 9
    begin = f"{_WORDS[result.status]:8}  {result.name:{wide}} {took}  "
    if result.status != "failed":
        return (begin + (result.told or result.why)).rstrip()
    return f"{begin}{result.what}\n          why: {result.why}\n          look at: {result.look_at}"


def _summary(results: Sequence[StepResult], run: str, seconds: float) -> str:
    counts = (f"{sum(each.status == status for each in results)} {word}" for status, word in _WORDS.items())
    return f"{', '.join(each for each in counts if not each.startswith('0 '))} in {seconds:.1f} s, as {run}"


def _failed(results: Sequence[StepResult]) -> str:
    failed = [each for each in results if each.status == "failed"]
    return "; ".join(f"{each.name}: {each.what}, {each.why}" for each in failed) + "." if failed else ""
