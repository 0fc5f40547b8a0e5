"""Invokes a function's alias on a schedule."""

from aws_cdk import Duration
from constructs import Construct

from constructs_lib.python_function import PythonFunction
from constructs_lib.schedule import Schedule


class FunctionSchedule(Schedule):
    """A rate or a cron expression in UTC; the function gets `{}`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: PythonFunction,
        expression: str,
        description: str,
        retries: int,
        max_age: Duration,
        enabled: bool = True,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            target_arn=function.live.function_arn,
            action="lambda:InvokeFunction",
            payload="{}",
            expression=expression,
            description=description,
            retries=retries,
            max_age=max_age,
            enabled=enabled,
        )
