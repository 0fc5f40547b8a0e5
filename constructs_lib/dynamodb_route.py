"""A method of a REST API that makes one request to DynamoDB, without a function."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from aws_cdk import Duration
from aws_cdk.aws_apigateway import (
    AwsIntegration,
    IntegrationOptions,
    IntegrationResponse,
    JsonSchema,
    JsonSchemaType,
    JsonSchemaVersion,
    Method,
    MethodResponse,
    Model,
    PassthroughBehavior,
    RequestValidator,
    RestApi,
)
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_iam import IGrantable, Role, ServicePrincipal
from constructs import Construct

MEDIA_TYPE = "application/json"
INTEGRATION_TIMEOUT = Duration.seconds(10)
"""DynamoDB answers in milliseconds or not at all. After this time the gateway answers that the outcome is unknown."""


class Answer(Protocol):
    """The answer to the client for one kind of DynamoDB's answers.

    `selection_pattern` is matched with the HTTP status of DynamoDB's answer; None matches what no other pattern does.
    `headers` are mapping expressions: fixed values stand in single quotes.
    """

    @property
    def selection_pattern(self) -> str | None: ...

    @property
    def status(self) -> int: ...

    @property
    def template(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


class DynamoDbRoute(Construct):
    """`action` of DynamoDB behind one method of a path. `grant` gives the route's own role what the action needs.

    The templates define the request to DynamoDB and the answer. The gateway refuses a body that is not JSON. With
    `model`, a JSON Schema of draft 4, the gateway also refuses bodies that do not conform, before it sends anything.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        api: RestApi,
        http_method: str,
        path: str,
        action: str,
        grant: Callable[[IGrantable], None],
        request_template: str,
        answers: Sequence[Answer],
        validator: RequestValidator,
        model: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._api = api
        # Source: API Gateway Developer Guide, "Control access to a REST API with IAM permissions".
        self.role = Role(self, "Role", assumed_by=ServicePrincipal("apigateway.amazonaws.com"))
        grant(self.role)
        integration = AwsIntegration(
            service="dynamodb",
            action=action,
            integration_http_method="POST",
            options=IntegrationOptions(
                credentials_role=self.role,
                passthrough_behavior=PassthroughBehavior.NEVER,
                request_templates={MEDIA_TYPE: request_template},
                integration_responses=[_integration_response(each) for each in answers],
                timeout=INTEGRATION_TIMEOUT,
            ),
        )
        self.method: Method = api.root.resource_for_path(path).add_method(
            http_method,
            integration,
            request_validator=validator,
            request_models={MEDIA_TYPE: self._model(model)} if model is not None else None,
            method_responses=[_method_response(each) for each in answers],
        )

    def _model(self, schema: Mapping[str, Any]) -> Model:
        return Model(self, "Model", rest_api=self._api, content_type=MEDIA_TYPE, schema=_json_schema(schema))

    def metric_server_errors(self) -> Metric:
        """The number of requests answered with a status of 500 or more."""
        return self.method.metric_server_error(self._api.deployment_stage)


def _integration_response(answer: Answer) -> IntegrationResponse:
    return IntegrationResponse(
        status_code=str(answer.status),
        selection_pattern=answer.selection_pattern,
        response_parameters={f"method.response.header.{name}": value for name, value in answer.headers.items()},
        response_templates={MEDIA_TYPE: answer.template},
    )


def _method_response(answer: Answer) -> MethodResponse:
    return MethodResponse(
        status_code=str(answer.status),
        response_parameters={f"method.response.header.{name}": True for name in answer.headers},
    )


_KEYWORDS = {"maxLength": "max_length", "minLength": "min_length", "additionalProperties": "additional_properties"}


def _json_schema(schema: Mapping[str, Any]) -> JsonSchema:
    """The CDK's JsonSchema of a schema. Raises TypeError or ValueError for a keyword or type that it does not know."""
    words: dict[str, Any] = {_KEYWORDS.get(name, name): value for name, value in schema.items() if name != "$schema"}
    if "$schema" in schema:
        words["schema"] = JsonSchemaVersion.DRAFT4
    if "type" in words:
        words["type"] = JsonSchemaType(words["type"].upper())
    if "properties" in words:
        words["properties"] = {name: _json_schema(each) for name, each in words["properties"].items()}
    return JsonSchema(**words)
