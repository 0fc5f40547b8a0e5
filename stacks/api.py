"""The HTTP API: stateless, safe to replace."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk.aws_cloudwatch import Alarm
from constructs import Construct

from constructs_lib.alarms import alarm_on_any
from constructs_lib.python_function import PythonFunction
from constructs_lib.rest_api import FunctionRestApi
from lambdas.httpapi.routing import GATEWAY_ROUTES, ROUTES
from stacks.command_routes import add_command_routes
from stacks.environment import Environment
from stacks.functions import daybook_function, own_metric
from stacks.gateway_answers import GATEWAY_ANSWERS
from stacks.ledger import LedgerStack
from stacks.retention import log_retention, removal_policy
from stacks.rollout import roll_out

STAGE_NAME = "v1"
ALARMING_COUNTS = {
    "ClockOff": (
        "The clock of a function that books events is off by more than 5 seconds, as DynamoDB's answers show. "
        "Its log says by how much."
    ),
    "InternalErrors": "A request ended in an error that nobody expected; the log has its traceback.",
    "CommandsUnavailable": "A command was answered 503: it was not applied, or it is not known whether it was.",
}
"""Metrics of the function, and the alarm description for each. The processor of commands writes the first one, too."""

FUNCTION_TIMEOUT = Duration.seconds(20)
"""Above the store's ten seconds of attempts, below the gateway's 29."""


class ApiStack(Stack):
    """API Gateway in front of the commands table and of one function, which may append to the ledger and read it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Environment,
        ledger: LedgerStack,
        test_callers: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = self._function(config, ledger, test_callers)
        self.rest_api = FunctionRestApi(
            self,
            "Rest",
            function=self.function.live,
            routes={**ROUTES, **dict.fromkeys(GATEWAY_ROUTES, ())},
            require_iam=config.require_iam,
            problems=GATEWAY_ANSWERS,
            stage_name=STAGE_NAME,
            throttling_rate=config.throttling_rate,
            throttling_burst=config.throttling_burst,
            set_log_role=config.gateway_log_role,
            log_retention=log_retention(config),
            removal_policy=removal_policy(config),
        )
        add_command_routes(self, api=self.rest_api.api, commands=ledger.commands, writes=config.writes)
        roll_out(self, config=config, function=self.function, api=self.rest_api, watched=self._watch(config))
        CfnOutput(self, "ApiUrl", value=self.rest_api.api.url)
        CfnOutput(self, "ApiFunctionName", value=self.function.function.function_name)

    def _function(self, config: Environment, ledger: LedgerStack, test_callers: Sequence[str]) -> PythonFunction:
        function = daybook_function(
            self,
            "Accounts",
            config=config,
            handler="accounts_api",
            description="Answers the synchronous routes of the accounts API",
            memory_mb=config.function_memory_mb,
            timeout=FUNCTION_TIMEOUT,
            snap_start=True,
            keep_versions=True,
            environment={
                "EVENT_TABLE": ledger.events.table.table_name,
                "RECEIPTS_TABLE": ledger.receipts.table.table_name,
                "COMMANDS_TABLE": ledger.commands.table.table_name,
                "SNAPSHOT_INTERVAL": str(config.snapshot_interval),
                "TEST_CALLERS": ",".join(test_callers),
                "WRITES": "on" if config.writes else "off",
            },
        )
        ledger.events.grant_append_and_read(function.role)
        ledger.receipts.grant_put(function.role)
        ledger.commands.grant_listing(function.role)
        return function

    def _watch(self, config: Environment) -> list[Alarm]:
        """The alarms among them that say that requests fail: each sends a new version back.

        No alarm on every 5xx: a `min_version` that is not stored yet is answered 503.
        """
        counts = {
            name: alarm_on_any(self, name, metric=own_metric(config, name), description=description)
            for name, description in ALARMING_COUNTS.items()
        }
        alarm_on_any(
            self,
            "FunctionErrors",
            metric=self.function.live.metric_errors(),
            description="The accounts function raised an error or ran out of time.",
        )
        return [counts["InternalErrors"], counts["CommandsUnavailable"]]
