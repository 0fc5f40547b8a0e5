"""Answers to the client, among them API Gateway's own: the deployed gateway responses.

Gateway responses are not VTL: variables are inserted unescaped, and `messageString` is a JSON string. Source: API
Gateway Developer Guide, "Gateway responses" and "Gateway response types".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from local.gateway.mapping import header_value
from local.gateway.rendering import GatewayRequest

JSON: Final = "application/json"
DEFAULT_5XX: Final = "DEFAULT_5XX"
_HEADER = "gatewayresponse.header."
_VARIABLE = re.compile(r"\$context\.([A-Za-z.]+)")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer to the client."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class GatewayResponse:
    """The form of one type of the gateway's own answers. The defaults are API Gateway's, for types not customized."""

    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    template: str = '{"message":$context.error.messageString}'

    def answer(self, message: str, request: GatewayRequest) -> Answer:
        """The answer to a request; `message` is the gateway's own text."""
        variables = {
            "error.message": message,
            "error.messageString": json.dumps(message),
            "requestId": str(request.context["requestId"]),
        }
        body = _VARIABLE.sub(lambda match: variables.get(match[1], match[0]), self.template)
        fixed = {name: header_value(expression, request) for name, expression in self.headers.items()}
        return Answer(status=self.status, headers={"Content-Type": JSON, **fixed}, body=body.encode())


def parse_gateway_response(deployed: Mapping[str, Any]) -> GatewayResponse:
    """Reads a gateway response of the control plane."""
    known = GatewayResponse()
    return GatewayResponse(
        status=int(deployed.get("statusCode") or known.status),
        headers={
            name.removeprefix(_HEADER): value for name, value in (deployed.get("responseParameters") or {}).items()
        },
        template=(deployed.get("responseTemplates") or {}).get(JSON, known.template),
    )
