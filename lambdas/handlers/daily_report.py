"""Writes the daily report: `{}` for yesterday and the days before it, `{"date": "YYYY-MM-DD"}` for one day by hand.

With a date, `"late_days": N` also counts events that arrived more than three days late, up to N days.
"""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.composition.reporting import deployed_athena, deployed_bucket
from lambdas.composition.settings import ReportSettings, load
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.reporting.days import days_to_report
from lambdas.reporting.report import publish_all

RESERVED_SECONDS = 15.0
"""The part of the function's time that is kept for stopping a query, reading a result and writing files."""

logger = Logger()
metrics = Metrics()
_settings = load(ReportSettings, os.environ)
metrics.set_default_dimensions(environment=_settings.environment)


@logger.inject_lambda_context(clear_state=True)
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Write the reports. Returns the addresses of the files and the number of missing events. Raises a ReportError."""

    def time_left() -> float:
        return context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS

    due = days_to_report(event, today=utc_now().date())
    # clients are made here: a function that runs once a day gains nothing from a slower start
    written = publish_all(deployed_athena(_settings), deployed_bucket(_settings), due, time_left)
    metrics.add_metric(name="ReportsWritten", unit=MetricUnit.Count, value=len(due.days))
    metrics.add_metric(name="EventsMissingInLake", unit=MetricUnit.Count, value=written.missing)
    metrics.flush_metrics()
    told = {"files": list(written.files), "missing": written.missing}
    logger.info("reports written", extra={"days": [str(day) for day in due.days], **told})
    return told
