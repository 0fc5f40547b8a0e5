"""Says so when a function's clock is off: the events it stamps would bear a wrong booking time."""

from __future__ import annotations

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from lambdas.eventsourcing.clock_check import ClockCheck
from lambdas.eventsourcing.timestamps import MAX_CLOCK_ERROR


def report_clock(check: ClockCheck, logger: Logger, metrics: Metrics) -> None:
    """Count `ClockOff` when the newest answer shows that the clock is off by more than `MAX_CLOCK_ERROR`."""
    error = check.error()
    if abs(error) > MAX_CLOCK_ERROR.total_seconds():
        metrics.add_metric(name="ClockOff", unit=MetricUnit.Count, value=1)
        logger.warning("this process's clock is off", extra={"seconds_ahead": round(error, 1)})
