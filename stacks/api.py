"""The HTTP API: stateless, safe to replace."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from constructs_lib.python_function import PythonFunction
from constructs_lib.rest_api import FunctionRestApi
from lambdas.httpapi.routing import GATEWAY_ROUTES, ROUTES
from stacks.api_alarms import watch_api
from stacks.api_policies import add_api_policies
from stacks.command_routes import add_command_routes
from stacks.environment import Environment
from stacks.functions import SERVICE, daybook_function, metric_dimensions
from stacks.gateway_answers import GATEWAY_ANSWERS
from stacks.ledger import LedgerStack
from stacks.projections import ProjectionsStack, read_model_tables
from stacks.retention import log_retention, removal_policy
from stacks.rollout import roll_out
from stacks.transparency import TransparencyStack

STAGE_NAME = "v1"
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
        projections: ProjectionsStack,
        log: TransparencyStack,
        test_callers: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = self._function(config, ledger, projections, log, test_callers)
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
            metric_namespace=SERVICE,
            metric_dimensions=metric_dimensions(config),
        )
        add_command_routes(self, api=self.rest_api.api, commands=ledger.commands, writes=config.writes)
        failing = watch_api(self, config, function=self.function, rest_api=self.rest_api)
        roll_out(self, config=config, function=self.function, watched=failing)
        add_api_policies(self, self.rest_api.api, STAGE_NAME)
        CfnOutput(self, "ApiUrl", value=self.rest_api.api.url_for_path("/").removesuffix("/"))
        CfnOutput(self, "ApiFunctionName", value=self.function.function.function_name)

    def _function(
        self,
        config: Environment,
        ledger: LedgerStack,
        projections: ProjectionsStack,
        log: TransparencyStack,
        test_callers: Sequence[str],
    ) -> PythonFunction:
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
                "READ_MODEL_TABLES": read_model_tables(self, projections.read_models),
                "LOG_BUCKET": log.log.bucket.bucket_name,
                "LOG_INDEX_TABLE": log.index.table.table_name,
                "SNAPSHOT_INTERVAL": str(config.snapshot_interval),
                "TEST_CALLERS": ",".join(test_callers),
                "WRITES": "on" if config.writes else "off",
            },
        )
        ledger.events.grant_append_and_read(function.role)
        ledger.receipts.grant_put(function.role)
        ledger.commands.grant_listing(function.role)
        function.role.add_managed_policy(log.may_prove)
        for each in projections.read_models.values():
            each.table.grant_read(function.role)
        return function
