"""Folds the stream of domain events into one projection's read model."""

from __future__ import annotations

import os
from typing import Annotated, Any

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.accounts.text import AccountId
from lambdas.composition.projections import deployed_projector
from lambdas.composition.settings import ProjectionSettings, load
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.stream.consumer import Consumed

RESERVED_SECONDS = 6.0
"""The part of the function's time that is kept for positions, logs and metrics: enough for one attempt to save."""

REPORT_SECONDS = 2.0
"""The part of RESERVED_SECONDS that is kept for logs and metrics."""

MAX_LOGGED = 100

logger = Logger()
metrics = Metrics()


class ProjectionIncompleteError(Exception):
    """Part of the batch is not folded: raised so that the batch is delivered again."""


class Retry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator invokes the function with, after a fix: accounts that are stopped."""

    retry: Annotated[list[AccountId], msgspec.Meta(min_length=1, max_length=100)]


_settings = load(ProjectionSettings, os.environ)
_deployed = deployed_projector(_settings)
metrics.set_default_dimensions(environment=_settings.environment)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Fold one batch of the stream, or retry accounts that are stopped: `{"retry": [account id, ...]}`.

    A retry answers `{"retried": {account id: {"version": 7, "stopped": "why, or empty"}}}`, of the live generation.
    Raises ProjectionIncompleteError at the end if something is not folded; what a retry cannot read or write, or has no
    time for, raises as it is, and a repetition goes on.
    """
    logger.append_keys(projection=_settings.projection)
    if "retry" in event:
        return _retry(msgspec.convert(event, Retry), context)
    _fold(event, context)
    return {}


@metrics.log_metrics(capture_cold_start_metric=True)
def _fold(event: dict[str, Any], context: LambdaContext) -> None:
    seconds = context.get_remaining_time_in_millis() / 1000
    consumed = _deployed.consumer.take(
        event["Records"], Deadline(seconds - RESERVED_SECONDS), Deadline(seconds - REPORT_SECONDS)
    )
    _count(consumed)
    _log(consumed)
    if not consumed.complete:
        raise ProjectionIncompleteError(
            f"{len(consumed.taking.waiting)} accounts are not fully folded, {len(consumed.unattributable)} lines "
            f"cannot be read{', the position is not saved' if consumed.unsaved else ''}"
        )


def _retry(asked: Retry, context: LambdaContext) -> dict[str, Any]:
    seconds = context.get_remaining_time_in_millis() / 1000
    gates = _deployed.projector.retry(asked.retry, Deadline(seconds - REPORT_SECONDS))
    for account_id, gate in gates.items():
        logger.info(
            "a stopped account was retried",
            extra={"account_id": account_id, "version": gate.version, "reason": gate.stopped},
        )
    return {"retried": {each: {"version": gate.version, "stopped": gate.stopped} for each, gate in gates.items()}}


def _count(consumed: Consumed) -> None:
    metrics.add_dimension(name="projection", value=_settings.projection)
    stopped = {each.account_id for each in consumed.taking.stopped}
    for name, value in (
        ("ProjectionEventsFolded", consumed.taking.folded),
        ("ProjectionAccountsStopped", len(stopped)),
    ):
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def _log(consumed: Consumed) -> None:
    taking = consumed.taking
    for stopped in taking.stopped[:MAX_LOGGED]:
        logger.error(
            "an account was stopped; `daybook projections retry` lets it go on after a fix",
            extra=msgspec.structs.asdict(stopped),
        )
    for line in consumed.unattributable[:MAX_LOGGED]:
        logger.error("a line of the stream names no account that it is of", extra=msgspec.structs.asdict(line))
    if taking.waiting or taking.failed:
        logger.error(
            "accounts are not fully folded; the batch will be delivered again",
            extra={"accounts": list(taking.waiting)[:MAX_LOGGED], "reason": taking.failed or "no time is left"},
        )
    if consumed.unsaved:
        logger.error("the position is not saved; the batch will be delivered again", extra={"reason": consumed.unsaved})
    if consumed.ignored:
        logger.info("documents that are no event of an account were ignored", extra={"documents": consumed.ignored})
    if not taking.live and not taking.failed:
        logger.warning("no generation is live: `daybook projections rebuild` builds the first one")
