"""One step of a rebuild: walks one segment of the event table for a while, or settles what was left."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Go on with a step until it is done or time is up: the answer is the step, and whether it is `done`."""
    raise NotImplementedError
