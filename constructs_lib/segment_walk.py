"""A state machine that walks over segments, many at a time, each in steps of one function."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Acknowledgment, Aws, Duration, RemovalPolicy, Stack, Validations
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_iam import Grant, ManagedPolicy, Policy, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_logs import LogGroup, RetentionDays
from aws_cdk.aws_stepfunctions import CfnStateMachine
from constructs import Construct

from constructs_lib.arns_in_findings import arn_in_findings
from constructs_lib.python_function import PythonFunction

LONGEST = Duration.days(14)
"""After so long an execution has timed out.

A history holds 25,000 events, and a step is 7 of them, with an attempt more 3 more. So a segment has 3,571 steps: with
steps of ten minutes that is 24 days, which this is well below. Source: Step Functions Developer Guide, "Quotas for
Step Functions".
"""


LABEL = "Segments"
"""Of the state whose items are segments."""


class SegmentWalk(Construct):
    """Executions take `{"generation": g, "rebuild": id, "segments": [{"segment": 0}, ...], "count": n}`.

    Each segment is walked by an execution of its own, `concurrency` at a time: it invokes `function` with the step
    `walk` until the answer is `done`. If all are done the step `settle` is repeated in the same way. A step that fails
    is tried again, unless its error is one of `final`; then the segment fails, and the whole execution with it. Nothing
    is caught. Segments of an execution that is stopped or fails are stopped, too.

    Executions of segments are standard ones: express executions end after five minutes. Source: Step Functions
    Developer Guide, "Using Map state in Distributed mode to process large-scale parallel workloads".
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: PythonFunction,
        step_timeout: Duration,
        concurrency: int,
        final: Sequence[str],
        log_retention: RetentionDays,
        log_removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        logs = LogGroup(self, "Logs", retention=log_retention, removal_policy=log_removal_policy)
        self.role = Role(self, "Role", assumed_by=_step_functions())
        Grant.add_to_principal(
            grantee=self.role, actions=["lambda:InvokeFunction"], resource_arns=[function.live.function_arn]
        )
        step = _step(function.live.function_arn, step_timeout, final)
        self.machine = CfnStateMachine(
            self,
            "Machine",
            role_arn=self.role.role_arn,
            state_machine_type="STANDARD",
            definition_string=Stack.of(self).to_json_string(_definition(step, concurrency)),
            logging_configuration=CfnStateMachine.LoggingConfigurationProperty(
                level="ALL",
                include_execution_data=True,  # ids and numbers
                destinations=[
                    CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=logs.log_group_arn
                        )
                    )
                ],
            ),
            tracing_configuration=CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )
        # Step Functions refuses to create a machine that may not log.
        self.machine.node.add_dependency(self._may("Logging", LOGGING), self._may("Tracing", TRACING))
        self._may_start_segments()

    @property
    def arn(self) -> str:
        """Of the state machine."""
        return self.machine.ref

    @property
    def executions_arn(self) -> str:
        """Of its executions, whatever their names."""
        return Stack.of(self).format_arn(
            service="states",
            resource=f"execution:{self.machine.attr_name}:*",
        )

    def grant_operate(self, policy: ManagedPolicy) -> None:
        """Allow starting, watching and stopping executions, and asking which of their segments failed, and why.

        Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Step Functions": a map
        run and the executions of its items have the label of the state in their ARNs.
        """
        stack, name = Stack.of(self), self.machine.attr_name
        runs, segments = (
            stack.format_arn(service="states", resource=f"{kind}:{name}/{LABEL}:*") for kind in ("mapRun", "execution")
        )
        for actions, arn in (
            (("StartExecution",), self.arn),
            (("DescribeExecution", "ListMapRuns", "StopExecution"), self.executions_arn),
            (("ListExecutions",), runs),
            (("DescribeExecution",), segments),
        ):
            Grant.add_to_principal(grantee=policy, actions=[f"states:{each}" for each in actions], resource_arns=[arn])
        acknowledge_executions(policy, self)
        for kind in ("mapRun", "execution"):
            acknowledge_executions(policy, self, kind=kind, label=f"/{LABEL}")

    def metric(self, name: str) -> Metric:
        """A metric of its executions. Those of segments count for none of them.

        Source: Step Functions Developer Guide, "Monitoring Step Functions metrics using Amazon CloudWatch".
        """
        return Metric(namespace="AWS/States", metric_name=name, dimensions_map={"StateMachineArn": self.machine.ref})

    def _may(self, name: str, actions: Sequence[str]) -> Policy:
        """A policy of its own, so that the acknowledgement covers no other grant."""
        statement = PolicyStatement(actions=list(actions), resources=["*"])
        policy = Policy(self, name, statements=[statement], roles=[self.role])
        Validations.of(policy).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason=f"{name}: these actions have no resource; this policy holds nothing else.",
            )
        )
        return policy

    def _may_start_segments(self) -> None:
        """Source: Step Functions Developer Guide, "IAM policies for using Distributed Map states"."""
        policy = Policy(
            self,
            "Segments",
            statements=[
                PolicyStatement(actions=["states:StartExecution"], resources=[self.machine.ref]),
                PolicyStatement(
                    actions=["states:DescribeExecution", "states:StopExecution"], resources=[self.executions_arn]
                ),
            ],
            roles=[self.role],
        )
        acknowledge_executions(policy, self)


LOGGING = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
"""Source: Step Functions Developer Guide, "Using CloudWatch Logs to log execution history in Step Functions"."""

TRACING = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)
"""Source: Step Functions Developer Guide, "Trace Step Functions request data in AWS X-Ray"."""


def acknowledge_executions(policy: Construct, walk: SegmentWalk, *, kind: str = "execution", label: str = "") -> None:
    """Acknowledge why a policy has a wildcard: the names of executions."""
    name = Stack.of(walk).get_logical_id(walk.machine)
    arn = arn_in_findings(Stack.of(walk), "states", f"{kind}:<{name}.Name>{label}:*")
    Validations.of(policy).acknowledge(
        Acknowledgment(
            id=f"AwsSolutions-IAM5[Resource::{arn}]",
            reason="Executions are named when they start; these are all of one state machine.",
        )
    )


def _step_functions() -> ServicePrincipal:
    """Source: Step Functions Developer Guide, "Creating an IAM role for your state machine in Step Functions"."""
    machines = f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:stateMachine:*"
    return ServicePrincipal(
        "states.amazonaws.com",
        conditions={
            "ArnLike": {"aws:SourceArn": machines},
            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
        },
    )


THROTTLED = "Lambda.TooManyRequestsException"
THROTTLED_ATTEMPTS = 120
"""An hour, with pauses of half a minute on average: nothing is wrong with the step, and a rush of clients passes.

A new AWS account has ten executions, which projectors and requests use, too. An attempt takes 3 events of the history.
"""
PAUSES: Mapping[str, Any] = {"IntervalSeconds": 2, "BackoffRate": 2, "MaxDelaySeconds": 60, "JitterStrategy": "FULL"}


def _step(function_arn: str, timeout: Duration, final: Sequence[str]) -> Mapping[str, Any]:
    """A task that invokes the function with `$.event`, and leaves whether it is done in `$.answer`.

    What finds no room among the account's executions waits for it. Whatever else raises is tried again, for a minute or
    two, because every step begins where the last one has stopped; a function that is killed raises errors of Lambda's
    that are among these. Source: Step Functions Developer Guide, "Handling errors in Step Functions workflows"
    (MaxAttempts of 0) and "Handle transient Lambda service exceptions" (TooManyRequestsException).
    """
    return {
        "Type": "Task",
        "Resource": f"arn:{Aws.PARTITION}:states:::lambda:invoke",
        "Parameters": {"FunctionName": function_arn, "Payload.$": "$.event"},
        "ResultSelector": {"done.$": "$.Payload.done"},
        "ResultPath": "$.answer",
        "TimeoutSeconds": timeout.to_seconds() + 60,
        "Retry": [
            *([{"ErrorEquals": list(final), "MaxAttempts": 0}] if final else []),
            {"ErrorEquals": [THROTTLED], **PAUSES, "MaxAttempts": THROTTLED_ATTEMPTS},
            {"ErrorEquals": ["States.ALL"], **PAUSES, "MaxAttempts": 6},
        ],
    }


def _repeated(name: str, step: Mapping[str, Any]) -> dict[str, Any]:
    """The states `<name>`, until it is done, and `<name>Done`."""
    return {
        name: {**step, "Next": f"Is{name}Done"},
        f"Is{name}Done": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.answer.done", "BooleanEquals": True, "Next": f"{name}Done"}],
            "Default": name,
        },
        f"{name}Done": {"Type": "Succeed", "OutputPath": "$.answer"},
    }


def _definition(step: Mapping[str, Any], concurrency: int) -> dict[str, Any]:
    """In the Amazon States Language. A thousand segments and their answers are 40 KB of the 256 that a state may have.

    Source: Step Functions Developer Guide, "Quotas for Step Functions".
    """
    whose = {"generation.$": "$.generation", "rebuild.$": "$.rebuild"}
    segment = {"segment.$": "$$.Map.Item.Value.segment", "segments.$": "$.count"}
    return {
        "StartAt": "Segments",
        "TimeoutSeconds": LONGEST.to_seconds(),
        "States": {
            "Segments": {
                "Type": "Map",
                "Label": LABEL,
                "ItemsPath": "$.segments",
                "ItemSelector": {"event": {"step": "walk", **whose, **segment}},
                "MaxConcurrency": concurrency,
                "ToleratedFailureCount": 0,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "Walk",
                    "States": _repeated("Walk", step),
                },
                "ResultPath": "$.walked",
                "Next": "Walked",
            },
            "Walked": {"Type": "Pass", "Parameters": {"event": {"step": "settle", **whose}}, "Next": "Settle"},
            **_repeated("Settle", step),
        },
    }
