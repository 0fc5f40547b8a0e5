"""Logs and metrics of a function. Bodies, amounts and secrets never go into either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from lambdas.accounts.errors import DomainError
from lambdas.eventsourcing.errors import (
    ContentionError,
    IdempotencyKeyReusedError,
    PreconditionFailedError,
    StoreUnavailableError,
)

logger = Logger()
metrics = Metrics()

_REJECTIONS = (DomainError, PreconditionFailedError, IdempotencyKeyReusedError)


def count(name: str) -> None:
    """Add 1 to a metric."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)


@contextmanager
def counted_command() -> Iterator[None]:
    """Count a command that ends as rejected, contended (too many lost races) or unavailable."""
    try:
        yield
    except _REJECTIONS:
        count("CommandsRejected")
        raise
    except ContentionError:
        count("CommandsContended")
        raise
    except StoreUnavailableError:
        count("CommandsUnavailable")
        raise
