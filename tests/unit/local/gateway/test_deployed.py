"""What the border reads of a deployed API, and when it reads it again."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.gateway.answers import GatewayResponse
from local.gateway.deployed import Api, DeployedApis, read_api
from local.gateway.errors import BadRequestBodyError
from local.gateway.integration import Integration
from tests.support.gateway_emulator import API_ID, STAGE, STATUS, SUBMIT, ControlPlane


def test_an_api_has_its_methods_before_dynamodb_with_their_models() -> None:
    found = read_api(ControlPlane("commands"), API_ID)

    assert {where: integration.action for where, integration in found.methods.items()} == {
        (SUBMIT, "POST"): "UpdateItem",
        (STATUS, "GET"): "GetItem",
    }
    assert found.methods[SUBMIT, "POST"].timeout == 29
    with pytest.raises(BadRequestBodyError):
        found.methods[SUBMIT, "POST"].models.check("application/json", b'{"more": 1}')
    found.methods[STATUS, "GET"].models.check("application/json", b"")
    assert found.gateway_response("BAD_REQUEST_BODY").status == 400
    assert found.gateway_response("INTEGRATION_TIMEOUT").status == 503


def test_models_hold_although_the_emulator_forgot_the_validator() -> None:
    control = ControlPlane("commands")
    del control.resources[SUBMIT]["POST"]["requestValidatorId"]

    with pytest.raises(BadRequestBodyError):
        read_api(control, API_ID).methods[SUBMIT, "POST"].models.check("application/json", b'{"more": 1}')


def test_a_type_that_nobody_customized_is_answered_like_any_failure() -> None:
    other = GatewayResponse(status=503)

    assert api_of((), {"DEFAULT_5XX": other}).gateway_response("X") is other
    assert api_of((), {}).gateway_response("X").status == 500


def test_it_is_read_again_only_for_another_deployment() -> None:
    control = ControlPlane("commands")
    now = [0.0]
    apis = DeployedApis(control, clock=lambda: now[0])

    first = apis.find(API_ID, STAGE)
    now[0] = 0.9
    assert apis.find(API_ID, STAGE) is first
    assert control.asked == ["get_stage", "get_resources"]
    now[0] = 1.0
    assert apis.find(API_ID, STAGE) is first
    assert control.asked == ["get_stage", "get_resources", "get_stage"]
    control.deployments[STAGE] = "d-2"
    now[0] = 2.0
    assert apis.find(API_ID, STAGE) is not first


def test_what_is_not_deployed_is_none_and_may_come() -> None:
    now = [0.0]
    control = ControlPlane("commands")
    apis = DeployedApis(control, clock=lambda: now[0])

    assert apis.find("unknown", STAGE) is None
    assert apis.find(API_ID, "later") is None
    control.deployments["later"] = "d-1"
    now[0] = 1.0
    assert apis.find(API_ID, "later") is not None


class Broken:
    def get_stage(self, **_: str) -> Any:
        raise ClientError({"Error": {"Code": "InternalError", "Message": "x"}}, "GetStage")


def test_a_control_plane_that_fails_is_an_error() -> None:
    with pytest.raises(ClientError):
        DeployedApis(Broken()).find("a", STAGE)


def api_of(paths: tuple[str, ...], responses: dict[str, GatewayResponse]) -> Api:
    integration = Integration(action="GetItem", region="r", timeout=1, templates={}, responses=())
    return Api(paths=paths, methods={(path, "GET"): integration for path in paths}, gateway_responses=responses)


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/a/1/c", "/a/{x}/c", {"x": "1"}),
        ("/a/b/c", "/a/b/{y}", {"y": "c"}),
        ("/a/b%20/c", "/a/{x}/c", {"x": "b "}),
        ("//a/1//c/", "/a/{x}/c", {"x": "1"}),
        ("/a/1%2Fc", "/a/{x}/c", {"x": "1"}),
        ("/a/1/c/d", None, {}),
        ("/p/q", None, {}),
        ("/", "/", {}),
    ],
)
def test_a_literal_segment_goes_before_a_parameter(path: str, resource: str | None, parameters: dict[str, str]) -> None:
    found = api_of(("/", "/a", "/a/{x}/c", "/a/b/{y}", "/p/{proxy+}"), {}).route("GET", path)

    assert (found and (found.resource_path, found.parameters)) == (resource and (resource, parameters))
