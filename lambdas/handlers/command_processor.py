"""Carries out the commands that the gateway stored. It consumes the commands table's stream."""

from __future__ import annotations

import os
from typing import Any

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.composition.clock import report_clock
from lambdas.composition.inbox import deployed_processor
from lambdas.composition.settings import ProcessorSettings, load
from lambdas.eventsourcing.clock_check import ClockCheck
from lambdas.eventsourcing.retry import REQUEST_SECONDS
from lambdas.inbox.results import Processed

RESERVED_SECONDS = REQUEST_SECONDS + 2.0
"""A command starts only with this much time left: the longest a command can take, plus logs and metrics."""

MAX_LOGGED = 100

logger = Logger()
metrics = Metrics()


class ProcessingIncompleteError(Exception):
    """Commands of the batch have not ended: raised so that the batch is redelivered."""


_settings = load(ProcessorSettings, os.environ)
_clock = ClockCheck()
_processor = deployed_processor(_settings, _clock)
metrics.set_default_dimensions(environment=_settings.environment)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Process one batch. Raises ProcessingIncompleteError at the end if a command has not ended."""

    def may_start() -> bool:
        return context.get_remaining_time_in_millis() / 1000 >= RESERVED_SECONDS

    processed = _processor.process(event["Records"], may_start)
    _count(processed)
    report_clock(_clock, logger, metrics)
    for end in processed.ended:
        logger.info("a stored command has ended", extra=msgspec.structs.asdict(end))
    for failure in processed.failures[:MAX_LOGGED]:
        logger.error(
            "a command could not be carried out; it will be delivered again",
            extra=msgspec.structs.asdict(failure),
        )
    for each in processed.differing[:MAX_LOGGED]:
        logger.error(
            "a record tells a command otherwise than it is stored; nothing was changed",
            extra=msgspec.structs.asdict(each),
        )
    if processed.left:
        why = f": {processed.failures[0].reason}" if processed.failures else ""
        raise ProcessingIncompleteError(f"{processed.left} commands have not ended{why}")


def _count(processed: Processed) -> None:
    for name, value in (
        ("CommandsSucceeded", processed.succeeded),
        ("CommandsRejected", processed.rejected),
        ("CommandsRepeated", processed.repeated),
        ("CommandsLeft", processed.left),
        ("CommandsDiffering", len(processed.differing)),
    ):
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
