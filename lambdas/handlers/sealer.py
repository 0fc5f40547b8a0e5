"""Seals new events of the lake in the transparency log: `{}` for what was recorded up to now.

`{"through": "2026-03-01T12:00:00.000Z"}` seals what was recorded up to a moment, and `{"rebuild_index": true}` makes
the log's index again from its seals before it seals. The schedule may invoke it twice, and an operator meanwhile: seals
are decided once, and each run finishes what another one left. A run that failed is not retried, the next one goes on.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.composition.settings import SealerSettings, load
from lambdas.composition.transparency import deployed_sealer
from lambdas.transparency.errors import LogConflictError
from lambdas.transparency.findings import Sealed

RESERVED_SECONDS: Final = 15.0
"""The part of the function's time that is kept for logs and metrics."""
MAX_LOGGED: Final = 20

logger = Logger()
metrics = Metrics()


class InvalidSealRequestError(Exception):
    """The event is not one of those above."""


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    through: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    rebuild_index: bool = False


_settings = load(SealerSettings, os.environ)
metrics.set_default_dimensions(environment=_settings.environment)


@logger.inject_lambda_context(clear_state=True)
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Seal, and answer with a `Sealed` as JSON.

    Raises InvalidSealRequestError, LogUnavailableError and QueryError, and LogConflictError, which is counted, too.
    """

    def time_left() -> float:
        return context.get_remaining_time_in_millis() / 1000 - RESERVED_SECONDS

    rebuild, through = _asked(event)
    try:
        # clients are made here: a function that runs once an hour gains nothing from a slower start
        with deployed_sealer(_settings) as sealer:
            if rebuild:
                sealer.rebuild_index()
            sealed = sealer.run(through=through, time_left=time_left)
    except LogConflictError as conflict:
        logger.error("the log does not hold what follows from its seals", extra={"reason": str(conflict)})  # noqa: TRY400
        metrics.add_metric(name="LogConflicts", unit=MetricUnit.Count, value=1)
        metrics.flush_metrics()
        raise
    _count(sealed)
    _tell(sealed)
    answer: dict[str, Any] = msgspec.to_builtins(sealed)
    return answer


def _asked(event: Any) -> tuple[bool, datetime | None]:
    try:
        request = msgspec.convert(event, _Request)
    except msgspec.ValidationError as error:
        raise InvalidSealRequestError(f'give {{}}, a moment as "through", or "rebuild_index": {error}') from error
    return request.rebuild_index, request.through


def _count(sealed: Sealed) -> None:
    """Zeros, too: an alarm's metric is then known before it is needed."""
    for name, value in (
        ("SealsDecided", len(sealed.seals)),
        ("LeavesSealed", sealed.leaves),
        ("LogForks", sealed.fork_count),
        ("LogHoles", sealed.overdue_count),
        ("LogConflicts", 0),
    ):
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
    metrics.flush_metrics()


def _tell(sealed: Sealed) -> None:
    logger.info(
        "sealed",
        extra={
            "seals": list(sealed.seals),
            "leaves": sealed.leaves,
            "size": sealed.size,
            "root": sealed.root,
            "complete": sealed.complete,
        },
    )
    if sealed.forks:
        forks = msgspec.to_builtins(sealed.forks[:MAX_LOGGED])
        logger.error("the lake and the log differ", extra={"count": sealed.fork_count, "forks": forks})
    if sealed.holes:
        told = logger.error if sealed.overdue_count else logger.info
        holes = msgspec.to_builtins(sealed.holes[:MAX_LOGGED])
        told(
            "events wait for versions before them",
            extra={"count": sealed.hole_count, "overdue": sealed.overdue_count, "holes": holes},
        )
