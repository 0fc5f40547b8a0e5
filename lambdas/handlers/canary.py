"""The canary: on a schedule, it does what a caller does, on an account of its own in the test currency.

The account is a new one each month (UTC), so that its history stays short. Money in and out is equal, and a run that is
invoked again repeats its requests under the same keys.
"""

from __future__ import annotations

import os
from typing import Any

import msgspec
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.composition.canary import deployed_account
from lambdas.composition.settings import CanarySettings, load
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.smoke.steps import StepResult, all_well, run_steps

PREFIX = "canary-"
OK = "ok"

logger = Logger()
metrics = Metrics()
_settings = load(CanarySettings, os.environ)
metrics.set_default_dimensions(environment=_settings.environment)


class CanaryFailedError(Exception):
    """A step failed: raised so that the function's errors count it, as they count a run that ends in another way."""


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Any, context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda gives both
    """Run all steps, and tell how each ended. Raises CanaryFailedError at the end if one failed."""
    run = f"{PREFIX}{context.aws_request_id}"
    logger.set_correlation_id(run)
    account = deployed_account(_settings, opening_key=f"{PREFIX}{utc_now():%Y-%m}", run=run)
    results = run_steps(account.steps(), ended=_tell)
    metrics.add_metric(name="CanarySucceeded", unit=MetricUnit.Count, value=int(all_well(results)))
    if not all_well(results):
        failed = next(each for each in results if each.status == "failed")
        raise CanaryFailedError(f"{failed.name}: {failed.what}: {failed.why}")
    return {"account_id": account.account_id, "steps": [msgspec.to_builtins(each) for each in results]}


def _tell(result: StepResult) -> None:
    """Log a step when it ends, and measure one that went well."""
    told = msgspec.to_builtins(result)
    if result.status == OK:
        metrics.add_metric(name=metric_name(result.name), unit=MetricUnit.Seconds, value=result.seconds)
        logger.info("a step of the canary went well", extra={"step": told})
    else:
        logger.error("a step of the canary did not go well", extra={"step": told})


def metric_name(step: str) -> str:
    """The metric of how long a step took: `stored command` is CanaryStoredCommandSeconds."""
    return f"Canary{step.title().replace(' ', '')}Seconds"
