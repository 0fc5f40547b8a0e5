"""The asynchronous routes: DynamoDB behind the gateway, no function on the way in or out."""

import json
import re
from typing import Any

import pytest

from lambdas.contracts.command_model import command_model
from lambdas.httpapi.routing import GATEWAY_ROUTES
from stacks.command_templates import IntegrationAnswer, status_answers, status_request, submit_answers, submit_request
from tests.infrastructure.permissions import allowed, trusted
from tests.infrastructure.synthesis import Resource, Synthesized
from tests.infrastructure.test_api_function import KEY_ACTIONS
from tests.infrastructure.test_api_gateway import path_of

METHOD = "AWS::ApiGateway::Method"
SUBMIT = ("POST", "/accounts/{account_id}/commands", "UpdateItem", "Api/SubmitCommand/Role")
STATUS = ("GET", "/accounts/{account_id}/commands/{command_id}", "GetItem", "Api/CommandStatus/Role")
ROUTES = (SUBMIT, STATUS)


def method(environment: Synthesized, http_method: str, path: str) -> Resource:
    """The properties of one method of one path."""
    methods: list[Resource] = [each["Properties"] for each in environment.api.resources(METHOD).values()]
    [found] = [
        each
        for each in methods
        if each["HttpMethod"] == http_method and path_of(environment.api, each["ResourceId"]) == path
    ]
    return found


def text(environment: Synthesized, value: Any) -> str:
    """A template's text, with the table's path for its name."""
    parts = value["Fn::Join"][1]
    words = [part if isinstance(part, str) else "<table>" for part in parts]
    references = [environment.meant(part) for part in parts if not isinstance(part, str)]
    table_id = environment.ledger.template.find_resources(
        "AWS::DynamoDB::Table", {"Properties": {"KeySchema": [{"AttributeName": "account_id"}, {}]}}
    )
    assert references
    assert all(each == (environment.ledger, {"Ref": next(iter(table_id))}) for each in references)
    return "".join(words)


def test_the_gateway_answers_exactly_the_routes_of_the_table() -> None:
    assert {(path, (verb,)) for verb, path, _, _ in ROUTES} == set(GATEWAY_ROUTES.items())


@pytest.mark.parametrize(("verb", "path", "action", "role"), ROUTES)
def test_dynamodb_is_called_by_the_gateway_itself(
    anywhere: Synthesized, verb: str, path: str, action: str, role: str
) -> None:
    integration = method(anywhere, verb, path)["Integration"]
    assert integration["Type"] == "AWS"
    assert integration["IntegrationHttpMethod"] == "POST"
    assert integration["Uri"]["Fn::Join"][1][-1] == f":dynamodb:action/{action}"
    assert "lambda" not in json.dumps(integration["Uri"]).lower()
    role_id = integration["Credentials"]["Fn::GetAtt"][0]
    assert anywhere.api.body["Resources"][role_id]["Metadata"]["aws:cdk:path"].endswith(f"/{role}/Resource")


@pytest.mark.parametrize(("verb", "path", "action", "role"), ROUTES)
def test_each_routes_role_may_do_one_thing_on_the_commands_table(
    anywhere: Synthesized, verb: str, path: str, action: str, role: str
) -> None:
    assert allowed(anywhere, anywhere.api, role) == {
        "<Ledger/Commands/Table>": {f"dynamodb:{action}"},
        "<Ledger/Key> via dynamodb": KEY_ACTIONS,
    }
    # No aws:SourceAccount: API Gateway does not send it when it assumes the role of an integration, so that the
    # condition would deny every call (aws-solutions-library-samples/accelerated-intelligent-document-processing-on-aws
    # pull request 479). Whoever may pass this role to an API is limited by iam:PassRole, in this account only.
    assert trusted(anywhere, anywhere.api, role) == "apigateway.amazonaws.com"


@pytest.mark.parametrize(("verb", "path", "action", "role"), ROUTES)
def test_nothing_passes_that_no_template_renders(
    anywhere: Synthesized, verb: str, path: str, action: str, role: str
) -> None:
    integration = method(anywhere, verb, path)["Integration"]
    assert integration["PassthroughBehavior"] == "NEVER"
    assert set(integration["RequestTemplates"]) == {"application/json"}
    assert "RequestParameters" not in integration


def test_the_templates_are_those_of_the_commands_and_name_the_deployed_table(anywhere: Synthesized) -> None:
    for (verb, path, _, _), template in ((SUBMIT, submit_request), (STATUS, status_request)):
        templates = method(anywhere, verb, path)["Integration"]["RequestTemplates"]
        assert text(anywhere, templates["application/json"]) == template("<table>")


@pytest.mark.parametrize(("route", "answers"), [(SUBMIT, submit_answers()), (STATUS, status_answers())])
def test_dynamodbs_answers_are_told_apart_and_the_default_is_503(
    anywhere: Synthesized, route: tuple[str, str, str, str], answers: tuple[IntegrationAnswer, ...]
) -> None:
    found = method(anywhere, route[0], route[1])
    responses = {each.get("SelectionPattern"): each for each in found["Integration"]["IntegrationResponses"]}
    assert set(responses) == {each.selection_pattern for each in answers}
    for each in answers:
        response = responses[each.selection_pattern]
        assert response["StatusCode"] == str(each.status)
        assert response["ResponseTemplates"] == {"application/json": each.template}
        assert response["ResponseParameters"] == {"method.response.header.Cache-Control": "'no-store'"}
    assert responses[None]["StatusCode"] == "503"
    [success] = [each for pattern, each in responses.items() if pattern and re.fullmatch(pattern, "200")]
    assert success["StatusCode"] == {"POST": "202", "GET": "200"}[route[0]]
    declared = {each["StatusCode"]: each["ResponseParameters"] for each in found["MethodResponses"]}
    assert declared == {str(each.status): {"method.response.header.Cache-Control": True} for each in answers}


def test_a_command_is_validated_against_the_model_of_the_command_classes(anywhere: Synthesized) -> None:
    found = method(anywhere, SUBMIT[0], SUBMIT[1])
    model_id, model = anywhere.api.only("AWS::ApiGateway::Model")
    assert found["RequestModels"] == {"application/json": {"Ref": model_id}}
    assert model["Properties"]["ContentType"] == "application/json"
    assert model["Properties"]["Schema"] == command_model()


def test_both_routes_have_the_validator_of_body_and_parameters(anywhere: Synthesized) -> None:
    validator_id, validator = anywhere.api.only("AWS::ApiGateway::RequestValidator")
    assert validator["Properties"]["ValidateRequestBody"] is True
    assert validator["Properties"]["ValidateRequestParameters"] is True
    for verb, path, _, _ in ROUTES:
        assert method(anywhere, verb, path)["RequestValidatorId"] == {"Ref": validator_id}


def test_what_is_deployed_is_all_of_it(anywhere: Synthesized) -> None:
    """A deployment is a snapshot: it has to come after the model and the methods."""
    _, deployment = anywhere.api.only("AWS::ApiGateway::Deployment")
    model_id, _ = anywhere.api.only("AWS::ApiGateway::Model")
    assert {model_id, *anywhere.api.resources(METHOD)} <= set(deployment["DependsOn"])


@pytest.mark.parametrize(("verb", "path", "action", "role"), ROUTES)
def test_other_methods_of_the_same_path_reach_the_function(
    anywhere: Synthesized, verb: str, path: str, action: str, role: str
) -> None:
    assert method(anywhere, "ANY", path)["Integration"]["Type"] == "AWS_PROXY"


@pytest.mark.parametrize(("verb", "path", "action", "role"), ROUTES)
def test_one_answer_of_500_or_more_raises_an_alarm(
    anywhere: Synthesized, verb: str, path: str, action: str, role: str
) -> None:
    alarms = [each["Properties"] for each in anywhere.api.resources("AWS::CloudWatch::Alarm").values()]
    [alarm] = [
        each
        for each in alarms
        if each["MetricName"] == "5XXError" and {"Name": "Resource", "Value": path} in each["Dimensions"]
    ]
    stage_id, _ = anywhere.api.only("AWS::ApiGateway::Stage")
    assert {"Name": "Method", "Value": verb} in alarm["Dimensions"]
    assert {"Name": "Stage", "Value": {"Ref": stage_id}} in alarm["Dimensions"]
    assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("AWS/ApiGateway", "Sum", 1)
