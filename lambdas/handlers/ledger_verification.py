"""One step of a verification: walks one segment of the ledger for a while, or settles what was seen of all."""

from __future__ import annotations

import os
from typing import Any, Final

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.composition.settings import VerificationSettings, load
from lambdas.composition.verification import deployed_verification
from lambdas.eventsourcing.retry import Deadline
from lambdas.verification.errors import VerificationError
from lambdas.verification.results import Report
from lambdas.verification.steps import SettleStep, WalkStep

BEGUN_IN: Final = 0.5
"""The part of the function's time in which a step begins pages: see lambdas.handlers.projection_rebuild."""

REPORT_SECONDS: Final = 5.0
"""The part of the function's time that is kept for what was seen, logs and metrics."""

logger = Logger()
metrics = Metrics()

_settings = load(VerificationSettings, os.environ)
metrics.set_default_dimensions(environment=_settings.environment)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Go on with a step until it is done or time is up: the answer is the step, and whether it is `done`.

    Raises VerificationError if something could not be checked, after all that could be was; that, and what tables and
    log did not answer, may be tried again.
    """
    step = msgspec.convert(event, WalkStep | SettleStep)
    logger.append_keys(run=step.rebuild)
    seconds = context.get_remaining_time_in_millis() / 1000
    verification = deployed_verification(_settings)
    begin, end = Deadline(seconds * BEGUN_IN), Deadline(seconds - REPORT_SECONDS)
    if isinstance(step, WalkStep):
        logger.append_keys(segment=step.segment)
        done = verification.walk(step, begin, end)
    else:
        done = verification.settle(step, begin, end)
    logger.info("a step of the verification ended", extra={"rows": done.rows, "done": done.done})
    if done.report is not None:
        _tell(done.report, context)
    return {**event, "done": done.done}


def _tell(report: Report, context: LambdaContext) -> None:
    """Raises VerificationError if the report is not complete."""
    for finding in report.findings:
        logger.error("the verification found something", extra=msgspec.structs.asdict(finding))
    counts = {"accounts": report.accounts, "events": report.events, "counts": report.counts}
    logger.info("the verification ended", extra={**counts, "unchecked": report.unchecked})
    _count(report, context)
    if report.unchecked:
        reasons = "; ".join(f"{part}: {reason}" for part, reason in report.unchecked.items())
        raise VerificationError(f"not checked: {reasons}")


@metrics.log_metrics(capture_cold_start_metric=True)
def _count(report: Report, _: LambdaContext) -> None:
    metrics.add_metric(name="VerificationFindings", unit=MetricUnit.Count, value=sum(report.counts.values()))
    metrics.add_metric(name="VerificationEvents", unit=MetricUnit.Count, value=report.events)
