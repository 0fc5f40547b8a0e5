"""Reads the deployed API: its methods with integrations to DynamoDB, their models, and the gateway responses."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError

from local.gateway.answers import DEFAULT_5XX, GatewayResponse, parse_gateway_response
from local.gateway.integration import Integration, parse_integration
from local.gateway.models import BodyModels

_FRESH_SECONDS = 1.0
_NOT_FOUND = "NotFoundException"


@dataclass(frozen=True, kw_only=True)
class Route:
    """The method that serves a request. `integration` is None if it is not one with DynamoDB."""

    resource_path: str
    parameters: Mapping[str, str]
    integration: Integration | None


@dataclass(frozen=True, kw_only=True)
class Api:
    """An API as deployed. `methods` are by resource path and HTTP method; `paths` are all resource paths."""

    paths: tuple[str, ...]
    methods: Mapping[tuple[str, str], Integration]
    gateway_responses: Mapping[str, GatewayResponse]

    def route(self, method: str, path: str) -> Route | None:
        """The route for a path as it stands in the request; None if no resource of this API serves it.

        As in the emulator: the path is decoded first, empty segments do not count, a literal segment wins over a
        parameter.
        """
        segments = [segment for segment in unquote(path, errors="replace").split("/") if segment]
        matching = [template for template in self.paths if _matches(_split(template), segments)]
        if not matching:
            return None
        template = min(matching, key=lambda each: [segment.startswith("{") for segment in _split(each)])
        pairs = zip(_split(template), segments, strict=True)
        return Route(
            resource_path=template,
            parameters={part[1:-1]: segment for part, segment in pairs if part.startswith("{")},
            integration=self.methods.get((template, method)),
        )

    def gateway_response(self, response_type: str) -> GatewayResponse:
        """The gateway response of this type, or else the default one."""
        return self.gateway_responses.get(response_type) or self.gateway_responses.get(DEFAULT_5XX) or GatewayResponse()


class DeployedApis:
    """The APIs of a control plane. They are read again when a stage has a new deployment, at most once a second."""

    def __init__(self, control: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._control = control
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, str | None, Api | None]] = {}

    def find(self, api_id: str, stage: str) -> Api | None:
        """The API at a stage; None if it is not deployed."""
        with self._lock:
            looked, deployment, api = self._known.get((api_id, stage), (float("-inf"), None, None))
            now = self._clock()
            if now - looked >= _FRESH_SECONDS:
                newest = self._deployment(api_id, stage)
                if newest is None or newest != deployment:
                    deployment, api = newest, None if newest is None else read_api(self._control, api_id)
                self._known[api_id, stage] = (now, deployment, api)
            return api

    def _deployment(self, api_id: str, stage: str) -> str | None:
        try:
            return str(self._control.get_stage(restApiId=api_id, stageName=stage)["deploymentId"])
        except ClientError as error:
            if error.response["Error"]["Code"] != _NOT_FOUND:
                raise
            return None


def read_api(control: Any, api_id: str) -> Api:
    """Read an API by calls of API Gateway's control plane."""
    pages = control.get_paginator("get_resources").paginate(restApiId=api_id, embed=["methods"])
    resources = [resource for page in pages for resource in page["items"]]
    methods = {
        (resource["path"], name): integration
        for resource in resources
        for name, method in (resource.get("resourceMethods") or {}).items()
        if (integration := _integration(control, api_id, method)) is not None
    }
    responses = control.get_gateway_responses(restApiId=api_id, limit=500)["items"]
    return Api(
        paths=tuple(resource["path"] for resource in resources),
        methods=methods,
        gateway_responses={response["responseType"]: parse_gateway_response(response) for response in responses},
    )


def _integration(control: Any, api_id: str, method: Mapping[str, Any]) -> Integration | None:
    found = parse_integration(method.get("methodIntegration") or {})
    return found and replace(found, models=_models(control, api_id, method))


def _models(control: Any, api_id: str, method: Mapping[str, Any]) -> BodyModels:
    """The models that bodies must fit: all, unless the method's validator does not check bodies.

    ministack 1.5.33 accepts a template's request validators but does not keep them, so a method without one counts as
    validated if it has models. In the product's templates every method with models has a validator; a test checks this.
    """
    validator = method.get("requestValidatorId")
    if validator:
        found = control.get_request_validator(restApiId=api_id, requestValidatorId=validator)
        if not found.get("validateRequestBody"):
            return BodyModels({})
    models = method.get("requestModels") or {}
    return BodyModels(
        {
            media_type: json.loads(control.get_model(restApiId=api_id, modelName=name)["schema"])
            for media_type, name in models.items()
        }
    )


def _split(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _matches(parts: list[str], segments: list[str]) -> bool:
    return len(parts) == len(segments) and all(
        part == segment or (part.startswith("{") and not part.endswith("+}"))
        for part, segment in zip(parts, segments, strict=True)
    )
