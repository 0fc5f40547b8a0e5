"""The REST API: routes, authorization, limits, logs and the gateway's own answers."""

import json
from typing import Any

import pytest
from aws_cdk.assertions import Match
from aws_cdk.aws_apigateway import ResponseType

from lambdas.contracts.asynchronous_operations import ASYNCHRONOUS_OPERATIONS
from lambdas.contracts.openapi import OPENAPI_FILE
from lambdas.contracts.problems import (
    FORBIDDEN,
    MALFORMED_REQUEST,
    PROBLEM_TYPES,
    TOO_MANY_REQUESTS,
    UNAUTHORIZED,
    ProblemType,
)
from stacks.api_policies import OUTPUTS
from tests.infrastructure.permissions import rendered
from tests.infrastructure.synthesis import Deployable, Synthesized

METHOD = "AWS::ApiGateway::Method"
STAGE = "AWS::ApiGateway::Stage"
DOCUMENTED = {
    (path, method.upper())
    for path, item in json.loads(OPENAPI_FILE.read_text("utf-8"))["paths"].items()
    for method in item
}
BY_THE_GATEWAY = {(operation.path, operation.method) for operation in ASYNCHRONOUS_OPERATIONS}
"""Answered without the function: see test_command_routes."""
ROUTES = DOCUMENTED - BY_THE_GATEWAY
RETENTION_DAYS = {
    "ONE_DAY": 1, "ONE_WEEK": 7, "TWO_WEEKS": 14, "ONE_MONTH": 30, "THREE_MONTHS": 90, "SIX_MONTHS": 180,
    "ONE_YEAR": 365, "TWO_YEARS": 731, "FIVE_YEARS": 1_827,
}  # fmt: skip
PATHS = {path for path, _ in DOCUMENTED}


def path_of(stack: Deployable, resource: Any) -> str:
    """The path of a resource reference, from the root down."""
    if "Ref" not in resource:
        return ""
    properties = stack.body["Resources"][resource["Ref"]]["Properties"]
    return f"{path_of(stack, properties['ParentId'])}/{properties['PathPart']}"


def test_the_routes_are_there_and_every_other_method_and_path_reaches_the_function(
    anywhere: Synthesized,
) -> None:
    methods = [each["Properties"] for each in anywhere.api.resources(METHOD).values()]
    served = {(path_of(anywhere.api, each["ResourceId"]) or "/", each["HttpMethod"]) for each in methods}
    assert served == DOCUMENTED | {(path, "ANY") for path in PATHS | {"/", "/{proxy+}"}}


def test_every_other_method_calls_the_live_alias_within_29_seconds(anywhere: Synthesized) -> None:
    alias_id, _ = anywhere.api.only("AWS::Lambda::Alias")
    calling = anywhere.api.template.find_resources(
        METHOD,
        {
            "Properties": {
                "Integration": {
                    "Type": "AWS_PROXY",
                    "TimeoutInMillis": 29_000,
                    "Uri": {"Fn::Join": ["", Match.array_with([{"Ref": alias_id}, "/invocations"])]},
                }
            }
        },
    )
    others = [each for name, each in anywhere.api.resources(METHOD).items() if name not in calling]
    served = {
        (path_of(anywhere.api, each["Properties"]["ResourceId"]), each["Properties"]["HttpMethod"]) for each in others
    }
    assert served == BY_THE_GATEWAY
    anywhere.api.template.has_resource_properties(
        "AWS::Lambda::Permission",
        {"FunctionName": {"Ref": alias_id}, "Principal": "apigateway.amazonaws.com", "SourceArn": Match.any_value()},
    )


def test_every_cloud_method_demands_iam_authorization(cloud: Synthesized) -> None:
    cloud.api.template.all_resources_properties(METHOD, {"AuthorizationType": "AWS_IAM"})


def test_the_local_api_is_open(local: Synthesized) -> None:
    local.api.template.all_resources_properties(METHOD, {"AuthorizationType": "NONE"})


def test_the_stage_is_throttled_traced_and_measured(anywhere: Synthesized) -> None:
    anywhere.api.template.has_resource_properties(
        STAGE,
        {
            "StageName": "v1",
            "TracingEnabled": True,
            "MethodSettings": [
                {
                    "HttpMethod": "*",
                    "ResourcePath": "/*",
                    "ThrottlingRateLimit": anywhere.config.throttling_rate,
                    "ThrottlingBurstLimit": anywhere.config.throttling_burst,
                    "MetricsEnabled": True,
                    "LoggingLevel": "ERROR",
                    "DataTraceEnabled": False,
                }
            ],
        },
    )
    anywhere.api.template.has_resource_properties(
        "AWS::ApiGateway::RestApi", {"EndpointConfiguration": {"Types": ["REGIONAL"]}}
    )


def test_access_is_logged_as_json_without_account_ids(anywhere: Synthesized) -> None:
    _, stage = anywhere.api.only(STAGE)
    log = stage["Properties"]["AccessLogSetting"]
    fields = json.loads(log["Format"])
    assert {"requestId", "status", "method", "resource", "latencyMs"} <= fields.keys()
    assert "$context.path" not in fields.values()
    assert not any("identity.caller" in value or "identity.user" in value for value in fields.values())
    fixed = {name: value for name, value in fields.items() if not value.startswith("$context.")}
    assert fixed == {"service": "daybook", "environment": anywhere.config.name}
    group_id = log["DestinationArn"]["Fn::Join"][1][-1]["Ref"]
    assert anywhere.api.body["Resources"][group_id]["Type"] == "AWS::Logs::LogGroup"


def test_all_logs_end_in_groups_with_retention(anywhere: Synthesized) -> None:
    groups = anywhere.api.resources("AWS::Logs::LogGroup")
    assert len(groups) == 3
    anywhere.api.template.all_resources_properties(
        "AWS::Logs::LogGroup", {"RetentionInDays": RETENTION_DAYS[anywhere.config.log_retention]}
    )


def test_the_group_the_gateway_would_create_without_retention_is_created_first(anywhere: Synthesized) -> None:
    api_id, _ = anywhere.api.only("AWS::ApiGateway::RestApi")
    name = {"Fn::Join": ["", ["API-Gateway-Execution-Logs_", {"Ref": api_id}, "/v1"]]}
    groups = anywhere.api.template.find_resources("AWS::Logs::LogGroup", {"Properties": {"LogGroupName": name}})
    _, stage = anywhere.api.only(STAGE)
    assert set(groups) <= set(stage["DependsOn"])
    assert groups


def gateway_responses(stack: Deployable) -> dict[str, dict[str, Any]]:
    """Properties of the gateway responses by their type."""
    found = [each["Properties"] for each in stack.resources("AWS::ApiGateway::GatewayResponse").values()]
    return {each["ResponseType"]: each for each in found}


def known_response_types() -> set[str]:
    """All response types the CDK knows."""
    names = [name for name in vars(ResponseType) if name.isupper()]
    return {getattr(ResponseType, name).response_type for name in names}


FIXED = {
    "ACCESS_DENIED": "no policy allows",
    "EXPIRED_TOKEN": "the credentials or the signature",
    "INVALID_SIGNATURE": "the signature does not fit",
    "MISSING_AUTHENTICATION_TOKEN": "the request is not signed",
    "THROTTLED": "more requests a second",
    "UNSUPPORTED_MEDIA_TYPE": "Content-Type must be application/json",
}
"""The gateway's own texts of these name ARNs, repeat the whole request that was signed, or add nothing to the title."""


def test_whatever_the_gateway_answers_itself_is_a_problem(anywhere: Synthesized) -> None:
    responses = gateway_responses(anywhere.api)
    known = {each.uri: each for each in PROBLEM_TYPES}
    assert responses.keys() == known_response_types()
    for response_type, each in responses.items():
        template = each["ResponseTemplates"]["application/json"]
        body = json.loads(template.replace("$context.error.messageString", '"said by the gateway"'))
        assert "$" not in json.dumps(body)
        by_model = response_type == "BAD_REQUEST_BODY"
        assert body.keys() == {"type", "title", "status", "detail", *(["field"] if by_model else [])}
        begins = "body: must be a JSON object" if by_model else FIXED.get(response_type, "said by the gateway")
        assert body["detail"].startswith(begins)
        assert body["title"] == known[body["type"]].title
        assert body["status"] == known[body["type"]].status == int(each["StatusCode"])
        headers = each["ResponseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert headers["gatewayresponse.header.Cache-Control"] == "'no-store'"
        assert headers["gatewayresponse.header.X-Correlation-Id"] == "context.requestId"


@pytest.mark.parametrize(
    ("response_type", "status", "code", "retry_after"),
    [
        ("MISSING_AUTHENTICATION_TOKEN", "403", "forbidden", None),
        ("INVALID_SIGNATURE", "403", "forbidden", None),
        ("ACCESS_DENIED", "403", "forbidden", None),
        ("UNAUTHORIZED", "401", "unauthorized", None),
        ("BAD_REQUEST_BODY", "400", "malformed-request", None),
        ("BAD_REQUEST_PARAMETERS", "400", "malformed-request", None),
        ("DEFAULT_4XX", "400", "malformed-request", None),
        ("QUOTA_EXCEEDED", "429", "too-many-requests", "'1'"),
        ("REQUEST_TOO_LARGE", "413", "payload-too-large", None),
        ("UNSUPPORTED_MEDIA_TYPE", "415", "unsupported-media-type", None),
        ("THROTTLED", "429", "too-many-requests", "'1'"),
        ("INTEGRATION_TIMEOUT", "503", "outcome-unknown", "'1'"),
        ("INTEGRATION_FAILURE", "503", "outcome-unknown", "'1'"),
        ("DEFAULT_5XX", "503", "outcome-unknown", "'1'"),
    ],
)
def test_what_the_gateway_answers(
    local: Synthesized, response_type: str, status: str, code: str, retry_after: str | None
) -> None:
    answer = gateway_responses(local.api)[response_type]
    assert answer["StatusCode"] == status
    assert f'"urn:daybook:problem:{code}"' in answer["ResponseTemplates"]["application/json"]
    assert answer["ResponseParameters"].get("gatewayresponse.header.Retry-After") == retry_after


@pytest.mark.parametrize("problem", [MALFORMED_REQUEST, UNAUTHORIZED, FORBIDDEN, TOO_MANY_REQUESTS])
def test_what_the_contract_leaves_to_the_gateway_is_answered_by_it(local: Synthesized, problem: ProblemType) -> None:
    templates = [each["ResponseTemplates"]["application/json"] for each in gateway_responses(local.api).values()]
    assert any(f'"{problem.uri}"' in template for template in templates)


@pytest.mark.parametrize(
    "metric",
    ["ClockOff", "InternalErrors", "CommandsUnavailable", "ReadsUnavailable", "GatewayErrors", "Errors", "Throttles"],
)
def test_one_failure_raises_an_alarm(anywhere: Synthesized, metric: str) -> None:
    anywhere.api.template.has_resource_properties(
        "AWS::CloudWatch::Alarm",
        {
            "MetricName": metric,
            "Threshold": 1,
            "Statistic": "Sum",
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        },
    )


def test_clients_find_the_api_by_a_stable_output_name(anywhere: Synthesized) -> None:
    outputs = anywhere.api.body["Outputs"]
    assert {each for each in outputs if not each.startswith("PublishOutput")} == {
        "ApiUrl",
        "ApiFunctionName",
        *OUTPUTS.values(),
    }
    url = rendered(anywhere, anywhere.api, outputs["ApiUrl"]["Value"])
    assert url == "https://<Api/Rest/Api>.execute-api.<Region>.<URLSuffix>/<Api/Rest/Api/DeploymentStage.v1>"
