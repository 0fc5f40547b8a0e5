"""The canary: a function that calls the API as a client does, every few minutes, and the alarms on what it finds.

Its role is in a stack of its own. The API and the processor know the role by its id, as one that may open accounts in
the test currency, and so it is deployed before them; the function calls the API, and so it is deployed after it.
"""

from typing import cast

from aws_cdk import Duration, Stack
from aws_cdk.aws_cloudwatch import CfnAlarm
from aws_cdk.aws_iam import ManagedPolicy, Role, ServicePrincipal
from constructs import Construct

from constructs_lib.alarms import alarm_on_any, alarm_on_silence
from constructs_lib.function_schedule import FunctionSchedule
from lambdas.smoke.account import USED
from stacks.api import STAGE_NAME, ApiStack
from stacks.api_policies import grant_calls
from stacks.environment import Environment
from stacks.functions import daybook_function, own_metric

FUNCTION_TIMEOUT = Duration.minutes(3)
"""A stored command may take a minute, and each of some ten requests as long as the gateway waits, though not all."""

MEMORY_MB = 512
SILENT_PERIODS = 3
"""Of five minutes."""


class CanaryCallerStack(Stack):
    """The role as which the canary calls. It may do nothing by itself: the canary's stack grants."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        # Source: Lambda Developer Guide, "Defining Lambda function permissions with an execution role".
        principal = ServicePrincipal("lambda.amazonaws.com")
        self.role = Role(self, "Role", assumed_by=principal, description="As which the canary calls the API")


def let_call(api: ApiStack, caller: CanaryCallerStack) -> None:
    """Add a policy to the API's stack, whose ids it holds: the role may call the operations of the canary's steps."""
    policy = ManagedPolicy(
        api,
        "MayBeCanary",
        description="Calling what the canary calls",
        roles=[Role.from_role_name(api, "CanaryCaller", caller.role.role_name)],
    )
    reason = "The ids of the canary's accounts and commands are not known beforehand."
    grant_calls(policy, api.rest_api.api, STAGE_NAME, USED, reason=reason)


class CanaryStack(Stack):
    """Stateless. While writes are off, for a restore, nothing runs and the alarm on silence tells nobody."""

    def __init__(
        self, scope: Construct, construct_id: str, *, config: Environment, api: ApiStack, caller: CanaryCallerStack
    ) -> None:
        super().__init__(scope, construct_id)
        rest_api = api.rest_api.api
        let_call(api, caller)
        role = Role.from_role_name(self, "Caller", caller.role.role_name)  # grants then stand in this stack
        self.function = daybook_function(
            self,
            "Canary",
            config=config,
            handler="canary",
            description="Calls the API as a client does, on an account in the test currency",
            memory_mb=MEMORY_MB,
            timeout=FUNCTION_TIMEOUT,
            environment={"API_URL": rest_api.url_for_path("/").removesuffix("/")},
            role=role,
        )
        # A run that failed has told so; the next one comes in a few minutes.
        self.function.live.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(1))
        schedule = FunctionSchedule(
            self,
            "Often",
            function=self.function,
            expression=f"rate({config.canary_minutes} minute{'s' if config.canary_minutes > 1 else ''})",
            description="The canary",
            retries=0,
            max_age=Duration.minutes(1),
            enabled=config.writes,
        )
        self._watch(config, schedule)

    def _watch(self, config: Environment, schedule: FunctionSchedule) -> None:
        alarm_on_any(
            self,
            "CanaryFailed",
            metric=self.function.live.metric_errors(),
            description="A run of the canary failed: a client's request would have. Its log names the step and why.",
        )
        alarm_on_any(
            self,
            "CanaryNotStarted",
            metric=schedule.metric_dropped(),
            description="The schedule could not start the canary.",
        )
        silent = alarm_on_silence(
            self,
            "CanarySilent",
            metric=own_metric(config, "CanarySucceeded"),
            periods=SILENT_PERIODS,
            period=Duration.minutes(5),
            description="The canary has had no successful run for 15 minutes: the API fails, or nobody looks.",
        )
        cast("CfnAlarm", silent.node.default_child).actions_enabled = config.writes
