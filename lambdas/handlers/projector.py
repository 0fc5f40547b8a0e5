"""Folds the stream of domain events into one projection's read model."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Fold one batch of the stream, or retry accounts that are stopped: `{"retry": [account id, ...]}`."""
    raise NotImplementedError
