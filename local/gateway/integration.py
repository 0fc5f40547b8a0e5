"""A non-proxy integration with an AWS service: its templates, its call, and the mapping of its answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.gateway.answers import JSON, Answer
from local.gateway.errors import ConfigurationError, UnsupportedMediaTypeError
from local.gateway.mapping import header_value
from local.gateway.models import BodyModels
from local.gateway.rendering import GatewayRequest, render_request, render_response

_URI = re.compile(r"arn:aws[a-z-]*:apigateway:(?P<region>[^:]+):dynamodb:action/(?P<action>\w+)")
_HEADER = "method.response.header."


@dataclass(frozen=True, kw_only=True)
class IntegrationResponse:
    """An integration response. `headers` are mapping expressions by header; without a `pattern` it is the default."""

    pattern: str
    status: int
    template: str
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Integration:
    """An action of DynamoDB behind a method. `templates` are by media type; a body without one is refused."""

    action: str
    region: str
    timeout: float
    templates: Mapping[str, str]
    responses: Sequence[IntegrationResponse]
    models: BodyModels = field(default_factory=lambda: BodyModels({}))


Send = Callable[[Integration, bytes], tuple[int, bytes]]
"""Sends an action's JSON; returns status and body. Raises IntegrationFailureError, IntegrationTimeoutError."""


def parse_integration(deployed: Mapping[str, Any]) -> Integration | None:
    """Reads a method's `methodIntegration` of the control plane; None if it is not an action of DynamoDB."""
    uri = _URI.fullmatch(deployed.get("uri") or "")
    if deployed.get("type") != "AWS" or uri is None:
        return None
    return Integration(
        action=uri["action"],
        region=uri["region"],
        timeout=int(deployed.get("timeoutInMillis") or 29_000) / 1000,
        templates=deployed.get("requestTemplates") or {},
        responses=[_response(each) for each in (deployed.get("integrationResponses") or {}).values()],
    )


def _response(deployed: Mapping[str, Any]) -> IntegrationResponse:
    return IntegrationResponse(
        pattern=deployed.get("selectionPattern") or "",
        status=int(deployed["statusCode"]),
        template=(deployed.get("responseTemplates") or {}).get(JSON, "$input.body"),
        headers={
            name.removeprefix(_HEADER): value for name, value in (deployed.get("responseParameters") or {}).items()
        },
    )


def run(integration: Integration, request: GatewayRequest, send: Send) -> Answer:
    """Run the integration for a request. Raises GatewayError if API Gateway answers itself."""
    media_type = _media_type(request)
    integration.models.check(media_type, request.body)
    template = integration.templates.get(media_type)
    if template is None:
        raise UnsupportedMediaTypeError(media_type)
    status, body = send(integration, render_request(template, request).encode())
    return _mapped(_selected(integration.responses, status), request, body)


def _media_type(request: GatewayRequest) -> str:
    """The media type without parameters; JSON if the request names none."""
    values = [value for name, value in request.headers if name.lower() == "content-type"]
    return values[-1].partition(";")[0].strip().lower() if values else JSON


def _selected(responses: Sequence[IntegrationResponse], status: int) -> IntegrationResponse:
    for response in responses:
        if response.pattern and re.fullmatch(response.pattern, str(status)):
            return response
    for response in responses:
        if not response.pattern:
            return response
    raise ConfigurationError(f"no integration response for status {status}")


def _mapped(response: IntegrationResponse, request: GatewayRequest, body: bytes) -> Answer:
    rendered = render_response(response.template, request, body)
    fixed = {name: header_value(expression, request) for name, expression in response.headers.items()}
    return Answer(
        status=rendered.status or response.status,
        headers={"Content-Type": JSON, **fixed, **rendered.headers},
        body=rendered.body.strip().encode(),
    )
