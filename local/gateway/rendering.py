"""Mapping templates as API Gateway renders them: `$input`, `$util` and `$context`.

Source: API Gateway Developer Guide, "Mapping template and access logging variable reference" and "Override your API's
request and response parameters". Usable without a server.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

from local.gateway import json_path, velocity
from local.gateway.errors import ConfigurationError

_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, kw_only=True)
class GatewayRequest:
    """A request that reached a method. Names of headers are as the client wrote them; path parameters are decoded.

    `context` is `$context` (see `context.request_context`).
    """

    body: bytes = b""
    headers: Sequence[tuple[str, str]] = ()
    query: Sequence[tuple[str, str]] = ()
    path: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def parameters(self) -> dict[str, dict[str, str]]:
        """`$input.params()`. Of several values of one name the last counts."""
        return {"path": dict(self.path), "querystring": dict(self.query), "header": dict(self.headers)}


@dataclass(frozen=True, kw_only=True)
class RenderedResponse:
    """A response template's text and overrides."""

    body: str
    status: int | None
    headers: Mapping[str, str]


def render_request(template: str, request: GatewayRequest) -> str:
    """The request to the service behind the API. Raises ConfigurationError."""
    return velocity.render(template, _variables(request, request.body, request.context))


def render_response(template: str, request: GatewayRequest, answer: bytes) -> RenderedResponse:
    """The response to the client for `answer`, the body of the service's answer. Raises ConfigurationError."""
    headers: dict[str, Any] = _Once()
    override: dict[str, Any] = _Once(header=headers)
    context = {**request.context, "responseOverride": override}
    body = velocity.render(template, _variables(request, answer, context))
    return RenderedResponse(
        body=body, status=override.get("status"), headers={name: str(value) for name, value in headers.items()}
    )


def _variables(request: GatewayRequest, body: bytes, context: Mapping[str, Any]) -> dict[str, Any]:
    return {"input": _Input(body, request.parameters), "util": _Util(), "context": context}


class _Once(dict[str, Any]):
    """Overrides, each of which may be set once: API Gateway answers 5xx if a template sets one twice."""

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self:
            raise ConfigurationError(f"{name} is overridden twice")
        if value is None:
            raise ConfigurationError(f"{name} is overridden by null")
        super().__setitem__(name, value)


class _Documented:
    """Raises an error for a name that API Gateway has but this module does not; Velocity would take it for null."""

    def __getattr__(self, name: str) -> Any:
        raise ConfigurationError(f"{type(self).__name__} has no {name} here")


class _Input(_Documented):
    """`$input`: the request's body or, in a response template, the service's, and the request's parameters."""

    def __init__(self, body: bytes, parameters: Mapping[str, Mapping[str, str]]) -> None:
        self.body = body.decode("utf-8", errors="replace")
        self._parameters = parameters

    def params(self, name: str | None = None) -> Any:
        """All parameters, or one by name: of the path, else the query, else the headers."""
        if name is None:
            return self._parameters
        return next((values[name] for values in self._parameters.values() if name in values), None)

    def path(self, expression: str) -> Any:
        """The value at a JSONPath in the body. Raises ValueError for a body that is not JSON."""
        return json_path.look_up(self._document, expression)

    def json(self, expression: str) -> str:
        """The same as JSON text."""
        return json.dumps(self.path(expression))

    @cached_property
    def _document(self) -> Any:
        return json.loads(self.body or "{}")


class _Util(_Documented):
    """`$util`."""

    def base64Encode(self, text: str) -> str:  # noqa: N802 - API Gateway's name
        """The text's UTF-8 as base64."""
        return base64.b64encode(text.encode()).decode()

    def urlDecode(self, text: str) -> str:  # noqa: N802
        """The text that percent-encoding stands for, as java.net.URLDecoder has it: "+" is a space.

        Raises ValueError for a "%" without two hexadecimal digits.
        """
        if _STRAY_PERCENT.search(text):
            raise ValueError("a % without two hexadecimal digits")
        return unquote_plus(text)
