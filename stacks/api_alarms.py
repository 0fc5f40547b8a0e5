"""The alarms of the API: of its function, and of the gateway before it."""

from aws_cdk import Stack
from aws_cdk.aws_cloudwatch import Alarm

from constructs_lib.alarms import alarm_above, alarm_on_any
from constructs_lib.python_function import PythonFunction
from constructs_lib.rest_api import FunctionRestApi
from stacks.environment import Environment
from stacks.functions import own_metric

ALARMING_COUNTS = {
    "InternalErrors": "A request ended in an error that nobody expected; the log has its traceback.",
    "CommandsUnavailable": "A command was answered 503: it was not applied, or it is not known whether it was.",
    "ReadsUnavailable": "A request that reads was answered 503: the ledger or a read model could not be read.",
}
"""Metrics of the function, and the alarm description for each.

Together with what the gateway fails at, they are the 5xx of the synchronous routes, but for `min_version`, and for a
read model that was not built yet: both are answered 503 on purpose, and counted by none of them.
"""
LASTING = 3
"""So many times five minutes: what a client's own retries do not settle."""


def watch_api(stack: Stack, config: Environment, *, function: PythonFunction, rest_api: FunctionRestApi) -> list[Alarm]:
    """Add all alarms. Returns those that say that requests fail: a deployment goes back on them.

    None of these refers to the function's alias, or to what refers to it (see `stacks.rollout`).
    """
    gateway_errors = _watch_gateway(stack, rest_api)
    _watch_latency(stack, config, function, rest_api)
    alarm_on_any(
        stack,
        "FunctionErrors",
        metric=function.live.metric_errors(),
        description="The accounts function raised an error or ran out of time.",
    )
    alarm_on_any(
        stack,
        "ClockOff",
        metric=own_metric(config, "ClockOff"),  # the processor of commands writes it, too
        description=(
            "The clock of a function that books events is off by more than 5 seconds, as DynamoDB's answers show. "
            "Its log says by how much."
        ),
    )
    counts = [
        alarm_on_any(stack, name, metric=own_metric(config, name), description=description)
        for name, description in ALARMING_COUNTS.items()
    ]
    return [*counts, gateway_errors]


def _watch_gateway(stack: Stack, rest_api: FunctionRestApi) -> Alarm:
    """Returns the alarm on the gateway's own 5xx."""
    alarm_on_any(
        stack,
        "RequestsThrottled",
        metric=rest_api.metrics.throttled,
        periods=LASTING,
        description="Requests are answered 429, for a quarter of an hour: callers send more than the stage takes.",
    )
    return alarm_on_any(
        stack,
        "GatewayErrors",
        metric=rest_api.metrics.failed,
        description="API Gateway answered 5xx itself: what is behind it gave no answer in time, or may not be called.",
    )


def _watch_latency(stack: Stack, config: Environment, function: PythonFunction, rest_api: FunctionRestApi) -> None:
    """The stage's latency is what clients see. Its storing of commands is quick, and could hide the function's."""
    for name, metric, where in (
        ("RequestsSlow", rest_api.metric("Latency"), "One request in a hundred takes too long, at the gateway"),
        ("FunctionSlow", function.live.metric_duration(), "One synchronous request in a hundred takes too long"),
    ):
        alarm_above(
            stack,
            name,
            metric=metric,
            threshold=config.slow_request_ms,
            statistic="p99",
            periods=LASTING,
            description=f"{where} (milliseconds).",
        )
