"""Measures, every minute, how far each read model is behind the stream of domain events."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.composition.projections import deployed_meter
from lambdas.composition.settings import LagSettings, load
from lambdas.projections.lag import Lag
from lambdas.projections.stream.measuring import measure_all

RESERVED_SECONDS = 4.0
"""The part of the function's time that is kept for saving the last measurement, for logs and metrics."""

logger = Logger()
metrics = Metrics()


class LagNotMeasuredError(Exception):
    """The lag of some projections could not be measured: raised after the others were."""


_settings = load(LagSettings, os.environ)
_meter, _tables = deployed_meter(_settings)
metrics.set_default_dimensions(environment=_settings.environment)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001 - Lambda's signature
    """Measure all projections once, save the measurements, and count them, each under its dimension `projection`.

    The time is shared: none takes that of another. A projection without a live generation is not measured. Raises
    LagNotMeasuredError at the end if one could not be.
    """
    seconds = context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS
    failed = []
    for measured in measure_all(_meter, _tables, seconds):
        if measured.failure:
            failed.append(measured.projection)
            logger.error(
                "the lag was not measured", extra={"projection": measured.projection, "reason": measured.failure}
            )
        elif measured.lag is not None:
            _count(measured.projection, measured.lag)
    if failed:
        raise LagNotMeasuredError(f"the lag of {', '.join(failed)} was not measured")


def _count(projection: str, lag: Lag) -> None:
    metrics.add_dimension(name="projection", value=projection)
    metrics.add_metric(name="ProjectionLagEvents", unit=MetricUnit.Count, value=lag.events)
    metrics.add_metric(name="ProjectionLagSeconds", unit=MetricUnit.Seconds, value=lag.seconds)
    metrics.add_metric(name="ProjectionAccountsWaiting", unit=MetricUnit.Count, value=lag.stopped)
    metrics.flush_metrics()
