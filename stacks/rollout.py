"""How a new version of the API's function takes over, and which alarms send it back."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk.aws_cloudwatch import Alarm, ComparisonOperator, Metric, TreatMissingData
from aws_cdk.aws_codedeploy import LambdaDeploymentConfig

from constructs_lib.gradual_deployment import GradualDeployment, metric_of_newest_version
from constructs_lib.python_function import PythonFunction
from stacks.environment import Environment


def roll_out(stack: Stack, *, config: Environment, function: PythonFunction, watched: Sequence[Alarm]) -> None:
    """Let each new version of `function` take over as the environment has it.

    In steps, it goes back when one of the alarms below goes off, or one of `watched`: alarms of the stack that say that
    requests fail, whichever version answers them. The alias is changed after all of them, so none may refer to what
    refers to the alias, as the gateway's methods and its stage do.
    """
    alarms = [*watched, *_alarms(stack, config=config, function=function)]
    if config.rollout != "ALL_AT_ONCE":
        GradualDeployment(
            stack,
            "Rollout",
            function=function,
            deployment_config=getattr(LambdaDeploymentConfig, config.rollout),
            alarms=alarms,
        )


def _alarms(stack: Stack, *, config: Environment, function: PythonFunction) -> list[Alarm]:
    """They look at minutes, because a step takes one."""
    return [
        _alarm(
            stack,
            "NewVersionErrors",
            metric=metric_of_newest_version(function, "Errors"),
            statistic="Sum",
            threshold=0,
            minutes=1,
            description="The newest version of the accounts function raised an error or ran out of time.",
        ),
        _alarm(
            stack,
            "NewVersionSlow",
            metric=metric_of_newest_version(function, "Duration"),
            statistic="p99",
            threshold=config.rollout_slow_ms,
            minutes=2,
            description="The slowest hundredth of the newest version's calls takes too long (milliseconds).",
        ),
    ]


def _alarm(
    stack: Stack,
    construct_id: str,
    *,
    metric: Metric,
    statistic: str,
    threshold: float,
    minutes: int,
    description: str,
) -> Alarm:
    """An alarm when a minute's figure was above `threshold` so many times in a row. No data is no call."""
    return Alarm(
        stack,
        construct_id,
        metric=metric.with_(statistic=statistic, period=Duration.minutes(1)),
        alarm_description=description,
        comparison_operator=ComparisonOperator.GREATER_THAN_THRESHOLD,
        threshold=threshold,
        evaluation_periods=minutes,
        treat_missing_data=TreatMissingData.NOT_BREACHING,
    )
