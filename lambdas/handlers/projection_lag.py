"""Measures, every minute, how far each read model is behind the stream of domain events."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Measure all projections once."""
    raise NotImplementedError
