"""A regional REST API in front of one function, which answers every path and method without another integration."""

import json
from collections.abc import Mapping, Sequence

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk.aws_apigateway import (
    AccessLogFormat,
    AuthorizationType,
    EndpointType,
    LambdaIntegration,
    LogGroupLogDestination,
    MethodLoggingLevel,
    MethodOptions,
    RestApi,
    StageOptions,
)
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_lambda import IFunction
from aws_cdk.aws_logs import LogGroup, RetentionDays
from constructs import Construct

from constructs_lib.gateway_metrics import ANSWERED_BY_GATEWAY, STATUS, GatewayMetrics
from constructs_lib.gateway_problems import GatewayProblem, add_problem_responses

INTEGRATION_TIMEOUT = Duration.seconds(29)
"""The longest timeout that API Gateway allows without a raised quota."""

_PUSH_LOGS_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"

ACCESS_LOG_FIELDS = {
    "requestTime": "$context.requestTimeEpoch",
    "requestId": "$context.requestId",
    "extendedRequestId": "$context.extendedRequestId",
    "traceId": "$context.xrayTraceId",
    "sourceIp": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "resource": "$context.resourcePath",
    STATUS: "$context.status",
    ANSWERED_BY_GATEWAY: "$context.error.responseType",
    "responseBytes": "$context.responseLength",
    "latencyMs": "$context.responseLatency",
    "integrationLatencyMs": "$context.integrationLatency",
    "integrationStatus": "$context.integration.status",
}
"""Route templates instead of paths, so that the access log holds no account ids. It holds no caller either: the gateway
knows only the whole principal, whose session name may be a person's e-mail address; events keep the principal's id.
"""


class FunctionRestApi(Construct):
    """Sends `routes` (path to methods), all other methods on them, and all other paths to one function.

    The function answers 404 and 405, where API Gateway alone would answer 403. A method with another integration is
    added to the API by the construct that has it; `routes` still lists its path, with the function's methods or none.

    With `set_log_role` it sets the role with which API Gateway writes the logs of all APIs of the account and region,
    and replaces what is set. Without it one must be set: else API Gateway refuses the stage, for it logs.

    Metrics of the access log are in `metric_namespace`. Each line of the log holds their dimensions as fields.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: IFunction,
        routes: Mapping[str, Sequence[str]],
        require_iam: bool,
        problems: Mapping[str, GatewayProblem],
        stage_name: str,
        throttling_rate: int,
        throttling_burst: int,
        set_log_role: bool,
        log_retention: RetentionDays,
        removal_policy: RemovalPolicy,
        metric_namespace: str,
        metric_dimensions: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage_name = stage_name
        access_log = LogGroup(self, "AccessLogs", retention=log_retention, removal_policy=removal_policy)
        self.api = RestApi(
            self,
            "Api",
            rest_api_name=self.node.path.replace("/", "-"),
            endpoint_types=[EndpointType.REGIONAL],
            cloud_watch_role=set_log_role,
            # A setting of the whole account names it, so other APIs may log with it.
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if set_log_role else None,
            default_method_options=MethodOptions(
                authorization_type=AuthorizationType.IAM if require_iam else AuthorizationType.NONE
            ),
            deploy_options=StageOptions(
                stage_name=stage_name,
                throttling_rate_limit=throttling_rate,
                throttling_burst_limit=throttling_burst,
                metrics_enabled=True,
                tracing_enabled=True,
                logging_level=MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                access_log_destination=LogGroupLogDestination(access_log),
                access_log_format=AccessLogFormat.custom(json.dumps({**ACCESS_LOG_FIELDS, **metric_dimensions})),
            ),
        )
        self.metrics = GatewayMetrics(
            self, "Metrics", access_log=access_log, namespace=metric_namespace, dimensions=metric_dimensions
        )
        self.api.node.try_remove_child("Endpoint")  # an output under a hashed name; stacks name their own
        self._log_execution(stage_name, log_retention, removal_policy)
        self._route(function, routes)
        add_problem_responses(self.api, problems)
        self._acknowledge(set_log_role=set_log_role)

    def metric(self, name: str) -> Metric:
        """One of API Gateway's metrics of the stage, over all routes. It names the stage and refers to nothing."""
        return Metric(
            namespace="AWS/ApiGateway",
            metric_name=name,
            dimensions_map={"ApiName": self.api.rest_api_name, "Stage": self._stage_name},
        )

    def _route(self, function: IFunction, routes: Mapping[str, Sequence[str]]) -> None:
        integration = LambdaIntegration(function, timeout=INTEGRATION_TIMEOUT, scope_permission_to_method=False)
        for path, methods in routes.items():
            resource = self.api.root.resource_for_path(path)
            for method in (*methods, "ANY"):
                resource.add_method(method, integration)
        self.api.root.add_resource("{proxy+}").add_method("ANY", integration)
        self.api.root.add_method("ANY", integration)

    def _log_execution(self, stage_name: str, retention: RetentionDays, removal_policy: RemovalPolicy) -> None:
        """API Gateway would create this log group itself, with this name and without an expiry."""
        group = LogGroup(
            self,
            "ExecutionLogs",
            log_group_name=f"API-Gateway-Execution-Logs_{self.api.rest_api_id}/{stage_name}",
            retention=retention,
            removal_policy=removal_policy,
        )
        self.api.deployment_stage.node.add_dependency(group)

    def _acknowledge(self, *, set_log_role: bool) -> None:
        if set_log_role:
            Validations.of(self.api).acknowledge(
                Acknowledgment(
                    id=f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_PUSH_LOGS_POLICY}]",
                    reason="API Gateway documents this policy for the one role with which it writes logs.",
                )
            )
        Validations.of(self.api).acknowledge(
            Acknowledgment(
                id="AwsSolutions-APIG3",
                reason="Callers are IAM principals, known and signed, under a throttle; a web ACL guards "
                "against the anonymous public, which cannot reach a method.",
            ),
            Acknowledgment(
                id="AwsSolutions-COG4",
                reason="Every method demands IAM authorization (SigV4): callers are services, not people.",
            ),
        )
