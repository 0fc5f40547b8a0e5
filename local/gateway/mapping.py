"""Header mapping expressions. Source: API Gateway Developer Guide, "Parameter mapping source reference"."""

from __future__ import annotations

from local.gateway.errors import ConfigurationError
from local.gateway.rendering import GatewayRequest

_CONTEXT = "context."


def header_value(expression: str, request: GatewayRequest) -> str:
    """An expression's value: fixed, in single quotes, or one of `$context`. Raises ConfigurationError for any other."""
    if expression[:1] == expression[-1:] == "'":
        return expression[1:-1]
    if expression.startswith(_CONTEXT):
        return str(request.context[expression.removeprefix(_CONTEXT)])
    raise ConfigurationError(f"a header mapping that is not supported here: {expression}")
