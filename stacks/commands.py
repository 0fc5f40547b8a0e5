"""Processes the commands table's stream, and marks commands that failed. Stateless: safe to replace."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk.aws_iam import Grant, ManagedPolicy
from constructs import Construct

from constructs_lib.alarms import alarm_above, alarm_on_any, alarm_on_unanswered
from constructs_lib.object_trigger import ObjectTrigger
from constructs_lib.python_function import PythonFunction
from constructs_lib.stream_mapping import MAPPING_PREFIX, StreamMapping
from constructs_lib.table_alarms import succeeded
from lambdas.inbox.table import PENDING, STATUS
from stacks.environment import Environment
from stacks.functions import daybook_function, own_metric
from stacks.generations import generation_id
from stacks.ledger import LedgerStack

FUNCTION_TIMEOUT = Duration.minutes(1)
MARKING_MAX_AGE = Duration.hours(6)
"""The longest that Lambda keeps an event for a function."""

NEW_COMMANDS = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {STATUS: {"S": [PENDING]}}}}
"""Matches new commands only: the processor's own updates are no inserts."""


class CommandsStack(Stack):
    """Processes stored commands. A batch that fails in all its retries goes to the dead-letter bucket as FAILED."""

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
        self.processor = self._processor(config, ledger, test_callers)
        self.mapping = StreamMapping(
            self,
            generation_id("Mapping", config.ledger_generation),
            source_arn=ledger.commands.table.table_stream_arn or "",
            function=self.processor,
            parking=ledger.parking,
            batch_size=config.command_batch_size,
            batch_window=Duration.seconds(config.command_batch_window_seconds),
            retries=config.command_retries,
            record_age_seconds=config.command_record_age_seconds,
            patterns=[NEW_COMMANDS],
            enabled=config.writes,
        )
        self.failures = self._failures(config, ledger)
        self.trigger = ObjectTrigger(
            self,
            "Parked",
            bucket=ledger.parking,
            prefix=MAPPING_PREFIX,
            function=self.failures,
            max_age=MARKING_MAX_AGE,
        )
        self._watch(config)
        self._watch_parking(config)
        if config.metric_math_alarms:
            self._watch_reading(ledger)
        may_process = ManagedPolicy(self, "MayProcess", description="Retrying commands")
        Grant.add_to_principal(
            grantee=may_process, actions=["lambda:InvokeFunction"], resource_arns=[self.processor.live.function_arn]
        )
        CfnOutput(self, "CommandProcessorName", value=self.processor.function.function_name)
        CfnOutput(self, "CommandMappingId", value=self.mapping.mapping.ref)
        CfnOutput(self, "CommandProcessPolicyArn", value=may_process.managed_policy_arn)

    def _processor(self, config: Environment, ledger: LedgerStack, test_callers: Sequence[str]) -> PythonFunction:
        function = daybook_function(
            self,
            "Processor",
            config=config,
            handler="command_processor",
            description="Processes stored commands and stores how each one ended",
            memory_mb=config.function_memory_mb,
            timeout=FUNCTION_TIMEOUT,
            snap_start=True,
            reserved_concurrency=config.processor_reserved_concurrency,
            environment={
                "EVENT_TABLE": ledger.events.table.table_name,
                "COMMANDS_TABLE": ledger.commands.table.table_name,
                "SNAPSHOT_INTERVAL": str(config.snapshot_interval),
                "TEST_CALLERS": ",".join(test_callers),
            },
        )
        ledger.events.grant_append_and_read(function.role)
        ledger.commands.grant_completion(function.role)
        ledger.commands.grant_stream_read(function.role)
        function.role.add_managed_policy(ledger.may_park)
        return function

    def _failures(self, config: Environment, ledger: LedgerStack) -> PythonFunction:
        function = daybook_function(
            self,
            "Failures",
            config=config,
            handler="command_failures",
            description="Marks commands as FAILED whose batch is in the dead-letter bucket",
            memory_mb=config.function_memory_mb,
            timeout=FUNCTION_TIMEOUT,
            environment={"COMMANDS_TABLE": ledger.commands.table.table_name},
        )
        ledger.commands.grant_completion(function.role)
        function.role.add_managed_policy(ledger.may_read_parked)
        return function

    def _watch(self, config: Environment) -> None:
        alarm_above(
            self,
            "Behind",
            metric=self.processor.function.metric("IteratorAge"),
            threshold=config.commands_behind_seconds * 1000,
            description=(
                "The processor lags: its oldest command has waited too long (milliseconds). "
                "Its commands fail in the end."
            ),
        )
        alarm_on_any(
            self,
            "CommandsLeft",
            metric=own_metric(config, "CommandsLeft"),
            description="Commands failed for a technical reason. Lambda retries their batch.",
        )
        alarm_on_any(
            self,
            "CommandsDiffering",
            metric=own_metric(config, "CommandsDiffering"),
            description=(
                "A record or a dead letter told a command otherwise than it is stored. Nothing was changed. "
                "Find out who may invoke the processor or write to the dead-letter bucket."
            ),
        )
        alarm_on_any(
            self,
            "ProcessorErrors",
            metric=self.processor.live.metric_errors(),
            description="The processor raised an error or ran out of time. Lambda retries its batch.",
        )
        alarm_on_any(
            self,
            "BatchesParked",
            metric=self.mapping.metric_parked(),
            description=(
                "A batch of commands failed in all its retries. "
                "It is in the dead-letter bucket (CommandParkingBucketName): redrive."
            ),
        )
        alarm_on_any(
            self,
            "RecordsGivenUp",
            metric=self.mapping.metric_given_up(),
            description=(
                "A batch of commands failed in all its retries. "
                "Look for it in the dead-letter bucket (CommandParkingBucketName)."
            ),
        )

    def _watch_reading(self, ledger: LedgerStack) -> None:
        """A mapping that is disabled or deleted has no iterator age, so `Behind` is silent then.

        Redrives update the table, too, and invoke the processor themselves.
        """
        alarm_on_unanswered(
            self,
            "NotReading",
            causes={"update": succeeded(ledger.commands.table, "UpdateItem")},
            effect=self.processor.live.metric_invocations(),
            description=(
                "Commands are stored and the processor is not invoked: its event source mapping is disabled or gone. "
                "They stay PENDING."
            ),
        )

    def _watch_parking(self, config: Environment) -> None:
        alarm_on_any(
            self,
            "ParkingFailed",
            metric=self.processor.function.metric("DestinationDeliveryFailures"),
            description=(
                "Lambda could not write a failed batch to the dead-letter bucket. "
                "Its commands stay PENDING: redrive by age."
            ),
        )
        alarm_on_any(
            self,
            "CommandsFailed",
            metric=own_metric(config, "CommandsFailed"),
            description="Commands ended as FAILED. Find out why, then redrive them.",
        )
        alarm_on_any(
            self,
            "MarkingErrors",
            metric=self.failures.live.metric_errors(),
            description="Commands in the dead-letter bucket could not be marked as FAILED. Lambda retries that.",
        )
        alarm_on_any(
            self,
            "DeadLetters",
            metric=self.trigger.metric_dead_letters(),
            description=(
                "Commands in the dead-letter bucket were not marked as FAILED, after all retries. Redrive them."
            ),
        )
