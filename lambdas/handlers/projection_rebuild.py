"""One step of a rebuild: walks one segment of the event table for a while, or settles what was left."""

from __future__ import annotations

import os
from typing import Any, Final

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.composition.rebuilding import deployed_rebuild
from lambdas.composition.settings import ProjectionSettings, load
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.rebuild import Done, SettleStep, WalkStep

BEGUN_IN: Final = 0.5
"""The part of the function's time in which a step begins pages: what a killed step has done is done again, and a page
of accounts with long histories takes a while."""

REPORT_SECONDS: Final = 2.0
"""The part of the function's time that is kept for logs and metrics."""

MAX_LOGGED: Final = 100

logger = Logger()
metrics = Metrics()

_settings = load(ProjectionSettings, os.environ)
_rebuild = deployed_rebuild(_settings)
metrics.set_default_dimensions(environment=_settings.environment)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Go on with a step until it is done or time is up: the answer is the step, and whether it is `done`.

    Raises RebuildRunningError and ControlError, which stand when the step is tried again; what a table did not answer
    raises ReadUnavailableError or ReadModelUnavailableError, and may be tried again.
    """
    step = msgspec.convert(event, WalkStep | SettleStep)
    logger.append_keys(projection=_settings.projection, generation=step.generation, rebuild=step.rebuild)
    seconds = context.get_remaining_time_in_millis() / 1000
    begin, end = Deadline(seconds * BEGUN_IN), Deadline(seconds - REPORT_SECONDS)
    done = _rebuild.walk(step, begin, end) if isinstance(step, WalkStep) else _rebuild.settle(step, begin, end)
    _log(step, done)
    _count(done, context)
    return {**event, "done": done.done}


@metrics.log_metrics(capture_cold_start_metric=True)
def _count(done: Done, _: LambdaContext) -> None:
    metrics.add_dimension(name="projection", value=_settings.projection)
    for name, value in (
        ("RebuildRowsWalked", done.rows),
        ("RebuildEventsFolded", done.folded),
        ("RebuildAccountsStopped", len(done.stopped)),
        ("RebuildReadUnits", done.units.read),
        ("RebuildWriteUnits", done.units.write),
    ):
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def _log(step: WalkStep | SettleStep, done: Done) -> None:
    for stopped in done.stopped[:MAX_LOGGED]:
        logger.error(
            "an account was stopped in the generation that is being built",
            extra=msgspec.structs.asdict(stopped),
        )
    segment = {"segment": step.segment} if isinstance(step, WalkStep) else {}
    counts = {"rows": done.rows, "folded": done.folded, "settled": done.settled, "done": done.done}
    logger.info("a step of the rebuild ended", extra=segment | counts)
