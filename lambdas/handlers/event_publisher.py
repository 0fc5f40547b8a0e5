"""Publishes the event table's stream as domain events."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.composition.publishing import deployed_publisher
from lambdas.composition.settings import PublisherSettings, load
from lambdas.eventsourcing.retry import Deadline
from lambdas.publishing.kinesis import Sent
from lambdas.publishing.publisher import Parked, Published

RESERVED_SECONDS = 6.0
"""The part of the function's time that is kept for parking, logs and metrics: enough for one attempt to park."""

REPORT_SECONDS = 2.0
"""The part of RESERVED_SECONDS that is kept for logs and metrics."""

EVENTS_IN_A_LINE = 100
"""Of a log line: a hundred take some ten kilobytes."""

logger = Logger()
metrics = Metrics()


class PublishingIncompleteError(Exception):
    """Part of the batch is neither published nor parked: raised so that the batch is redelivered."""


_settings = load(PublisherSettings, os.environ)
_publisher = deployed_publisher(_settings)
metrics.set_default_dimensions(environment=_settings.environment)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Publish one batch. Raises PublishingIncompleteError at the end if a record is neither published nor parked."""
    seconds = context.get_remaining_time_in_millis() / 1000
    published = _publisher.publish(
        event["Records"], Deadline(seconds - RESERVED_SECONDS), Deadline(seconds - REPORT_SECONDS)
    )
    _count(published)
    _log(published)
    if not published.complete:
        unparked = sum(each.key is None for each in published.parked)
        raise PublishingIncompleteError(
            f"{len(published.sent.unsent)} accounts are not fully published, {unparked} records are not parked"
        )


def _count(published: Published) -> None:
    for name, value in (
        ("EventsPublished", published.sent.events),
        ("RowsParked", sum(each.key is not None for each in published.parked)),
        ("EventTableTampered", published.tampered),
    ):
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def _log(published: Published) -> None:
    _log_sent(published.sent)
    for tampering in published.tamperings:
        logger.error(
            "a row of the append-only event table was changed or removed",
            extra={"stream_id": tampering.stream_id, "version": tampering.version, "change": tampering.change},
        )
    for parked in published.parked:
        _log_parked(parked)
    if published.sent.unsent:
        logger.error(
            "accounts are not fully published; the batch will be delivered again",
            extra={"accounts": list(published.sent.unsent)[:100], "reason": published.sent.failure},
        )


def _log_sent(sent: Sent) -> None:
    """Name the events that Kinesis has, each with its correlation id at the same place, many in a line: it is cheap."""
    named = [
        (f"{each.account_id}/{line.version}", line.correlation_id) for each in sent.delivered for line in each.lines
    ]
    for start in range(0, len(named), EVENTS_IN_A_LINE):
        events, correlation_ids = zip(*named[start : start + EVENTS_IN_A_LINE], strict=True)
        logger.info("events were published", extra={"events": events, "correlation_id": correlation_ids})


def _log_parked(parked: Parked) -> None:
    what = parked.what
    extra = {"stream_id": what.stream_id, "version": what.version, "reason": what.reason}
    if parked.key is None:
        logger.error("a row is neither published nor parked", extra=extra | {"failure": parked.failure})
        return
    finding = "does not fit its account's chain" if what.tampered else "cannot be published"
    logger.error(f"a row {finding} and was parked (dead letter)", extra=extra | {"object": parked.key})
