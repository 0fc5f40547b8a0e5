"""A route to DynamoDB by itself: what changes of it reach the clients, and what a model may say."""

from typing import Any, NamedTuple

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template
from aws_cdk.aws_apigateway import RestApi
from aws_cdk.aws_iam import IGrantable

from constructs_lib.dynamodb_route import DynamoDbRoute


class Answered(NamedTuple):
    """An answer with the words of a template."""

    template: str
    status: int = 200
    selection_pattern: str | None = "200"
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


def nothing(_: IGrantable) -> None:
    """Grants nothing."""


def template_of(*, request_template: str = "{}", answer: str = "{}", model: dict[str, Any] | None = None) -> Template:
    """A stack with an API of one such route."""
    stack = Stack(App(), "Stack")
    api = RestApi(stack, "Api")
    DynamoDbRoute(
        stack,
        "Route",
        api=api,
        http_method="POST",
        path="/things",
        action="UpdateItem",
        grant=nothing,
        request_template=request_template,
        answers=[Answered(answer)],
        validator=api.add_request_validator("Validator", validate_request_body=True),
        model=model or {"type": "object"},
    )
    return Template.from_stack(stack)


def deployment_of(**changes: Any) -> str:
    """Logical id of the deployment: a new one is a new snapshot, which is what clients see."""
    [found] = template_of(**changes).find_resources("AWS::ApiGateway::Deployment")
    return str(found)


@pytest.mark.parametrize(
    "change",
    [
        {"request_template": '{"a": 1}'},
        {"answer": '{"b": 2}'},
        {"model": {"type": "object", "required": ["type"]}},
    ],
    ids=["request template", "answer", "model"],
)
def test_a_change_reaches_the_clients(change: dict[str, Any]) -> None:
    assert deployment_of() == deployment_of()
    assert deployment_of(**change) != deployment_of()


def test_a_model_comes_through_as_it_is() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "object",
        "required": ["amount"],
        "properties": {
            "amount": {"type": "integer", "minimum": 1, "maximum": 999_999_999_999_999},
            "kind": {"enum": ["A", "B"]},
            "text": {"type": "string", "maxLength": 64, "pattern": "^[ -~]+$"},
        },
    }
    [model] = template_of(model=schema).find_resources("AWS::ApiGateway::Model").values()
    assert model["Properties"]["Schema"] == schema


@pytest.mark.parametrize("schema", [{"discriminator": "type"}, {"properties": {"a": {"const": 1}}}])
def test_what_a_gateways_model_does_not_know_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        template_of(model=schema)
