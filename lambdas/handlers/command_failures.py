"""Marks commands FAILED after their last retry: EventBridge invokes it for each new object in the dead-letter bucket.

Source of the event format: Amazon S3 User Guide, "EventBridge event message structure".
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.composition.inbox import deployed_marker, repeating_client
from lambdas.composition.settings import FailuresSettings, load
from lambdas.inbox.marking import mark_all
from lambdas.inbox.parked_objects import ParkedBatch, ParkedObjectGoneError, read_parked

logger = Logger()
metrics = Metrics()


class MarkingIncompleteError(Exception):
    """Commands of a dead letter were not marked: raised so that Lambda retries the event, or the alarm goes off."""


@cache
def _s3() -> Any:
    """Built for the first dead letter: these are rare, and building a client takes long."""
    return repeating_client("s3")


def _parked(bucket: str, key: str) -> ParkedBatch:
    """The object's commands; none if an operator has removed it."""
    try:
        return read_parked(_s3(), bucket, key)
    except ParkedObjectGoneError:
        logger.info("the object is gone from the dead-letter bucket; nothing is marked", extra={"object": key})
        return ParkedBatch([], [])


_settings = load(FailuresSettings, os.environ)
_marker = deployed_marker(_settings)
metrics.set_default_dimensions(environment=_settings.environment)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001 - Lambda's signature
    """Mark the commands of one object. Raises MarkingIncompleteError, ParkedObjectError, and errors of S3's client."""
    bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    parked = _parked(bucket, key)
    marked = mark_all(_marker, parked.commands)
    unmarked = [*parked.malformed, *marked.unmarked]
    metrics.add_metric(name="CommandsFailed", unit=MetricUnit.Count, value=len(marked.failed))
    metrics.add_metric(name="CommandsDiffering", unit=MetricUnit.Count, value=len(marked.differing))
    metrics.flush_metrics()
    for each in marked.failed:
        logger.error(
            "a command went to the dead-letter bucket and is marked FAILED",
            extra={**msgspec.structs.asdict(each), "object": key},
        )
    for each in marked.differing:
        logger.error(
            "the dead-letter bucket holds a command that is stored with another content; nothing was changed",
            extra={**msgspec.structs.asdict(each), "object": key},
        )
    if unmarked:
        logger.error("commands could not be marked as failed", extra={"object": key, "reasons": unmarked[:100]})
        raise MarkingIncompleteError(f"{len(unmarked)} commands of {key} could not be marked as failed")
