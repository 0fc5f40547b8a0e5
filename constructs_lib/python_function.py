"""A Python Lambda function with the settings that every function shares."""

from collections.abc import Mapping, Sequence

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk.aws_iam import IRole, Policy, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_lambda import (
    Alias,
    ApplicationLogLevel,
    Architecture,
    CfnFunction,
    Code,
    Function,
    ILayerVersion,
    LoggingFormat,
    Runtime,
    RuntimeManagementMode,
    SnapStartConf,
    SystemLogLevel,
    VersionOptions,
)
from aws_cdk.aws_logs import LogGroup, RetentionDays
from constructs import Construct

RUNTIME = Runtime.PYTHON_3_14
ARCHITECTURE = Architecture.ARM_64
LIVE_ALIAS = "live"


class PythonFunction(Construct):
    """A function on arm64 behind the alias `live`, with X-Ray, JSON logs and its own log group.

    Its role may write to that log group and send traces. Everything else must be granted. `reserved_concurrency` is
    what this function alone may use, and the most it may use; None: it shares with all others. 0 would stop it. A
    `role` that is given must be one that Lambda may assume, and a reference in the function's own stack.

    With `keep_versions` the alias can go back to an earlier version by hand; CloudFormation then deletes none, and
    neither does Lambda. Without it only the newest is kept.

    `snap_start` is for functions that are called all the time: Lambda drops the snapshot of a version that was not
    invoked for 14 days, and fails the first call after that. Source: Lambda Developer Guide, "Improving startup
    performance with Lambda SnapStart", function states.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: Code,
        handler: str,
        description: str,
        memory_mb: int,
        timeout: Duration,
        environment: Mapping[str, str],
        layers: Sequence[ILayerVersion],
        log_level: str,
        log_retention: RetentionDays,
        log_removal_policy: RemovalPolicy,
        snap_start: bool,
        keep_versions: bool = False,
        reserved_concurrency: int | None = None,
        role: IRole | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = LogGroup(self, "Logs", retention=log_retention, removal_policy=log_removal_policy)
        # Source: Lambda Developer Guide, "Defining Lambda function permissions with an execution role".
        self.role = role or Role(self, "Role", assumed_by=ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(self.role)
        self.function = Function(
            self,
            "Function",
            code=code,
            handler=handler,
            description=description,
            runtime=RUNTIME,
            # The runtime brings botocore, on whose inside the store's transport relies: a new one comes with a
            # deployment, which can be rolled back. Source: Lambda Developer Guide, "Understanding how Lambda manages
            # runtime version updates" (mode Function update).
            runtime_management_mode=RuntimeManagementMode.FUNCTION_UPDATE,
            architecture=ARCHITECTURE,
            memory_size=memory_mb,
            timeout=timeout,
            reserved_concurrent_executions=reserved_concurrency,
            current_version_options=VersionOptions(
                removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if keep_versions else RemovalPolicy.DESTROY
            ),
            environment=dict(environment),
            layers=list(layers),
            role=self.role,
            snap_start=SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            log_group=log_group,
            logging_format=LoggingFormat.JSON,
            application_log_level_v2=ApplicationLogLevel(log_level),
            system_log_level_v2=SystemLogLevel.INFO,
        )
        self._trace()
        self.live = Alias(self, "Live", alias_name=LIVE_ALIAS, version=self.function.current_version)
        if snap_start:
            Validations.of(self.function).acknowledge(
                Acknowledgment(
                    id="Annotation::@aws-cdk/aws-lambda:snapStartRequirePublish",
                    reason="The alias publishes a version on every change, and callers use the alias only.",
                )
            )

    def _trace(self) -> None:
        """Active tracing with a policy of its own, so that the acknowledgement covers no other grant.

        Lambda refuses to create a function with it whose role may not send traces: so the policy comes first.
        """
        resource = self.function.node.default_child
        assert isinstance(resource, CfnFunction)  # noqa: S101 - what every Function is made of
        resource.tracing_config = CfnFunction.TracingConfigProperty(mode="Active")
        write = PolicyStatement(actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"], resources=["*"])
        policy = Policy(self, "Tracing", statements=[write], roles=[self.role])
        Validations.of(policy).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="X-Ray's two write actions have no resource; this policy holds nothing else.",
            )
        )
        self.function.node.add_dependency(policy)
