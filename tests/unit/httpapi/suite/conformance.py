"""Holds answers against the committed OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs

from lambdas.contracts.openapi import OPENAPI_FILE
from lambdas.httpapi.routing import allowed_methods
from tests.unit.httpapi.suite.gateway import template_of

_UNROUTED = {404: "not-found", 405: "method-not-allowed"}


@cache
def document() -> Any:
    """The committed document."""
    return json.loads(OPENAPI_FILE.read_text(encoding="utf-8"))


def check_conformance(method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Fail unless the document knows this status, with these headers and this body, for the request."""
    assert headers.get("cache-control") == "no-store", headers
    assert headers.get("x-correlation-id"), headers
    template = template_of(path)
    if template is None or method not in allowed_methods(template):
        _check_unrouted(method, status, body)
        return
    operation = document()["paths"][template][method.lower()]
    assert str(status) in operation["responses"], f"{method} {template} does not document {status}"
    response = _resolve(operation["responses"][str(status)])
    _check_headers(response, status, headers)
    content = response.get("content")
    if content is None:
        assert body == b""
        return
    assert headers["content-type"] in content
    content_sent: Any = body.decode() if headers["content-type"].startswith("text/") else json.loads(body)
    _validator(json.dumps(content[headers["content-type"]]["schema"])).validate(content_sent)


def _check_unrouted(method: str, status: int, body: bytes) -> None:
    assert status in _UNROUTED, status
    if method != "HEAD":
        assert json.loads(body)["type"].endswith(_UNROUTED[status])


def _check_headers(response: Any, status: int, headers: Mapping[str, str]) -> None:
    for name, reference in response.get("headers", {}).items():
        value = headers.get(name.lower())
        if value is not None:
            _validator(json.dumps(_resolve(reference)["schema"])).validate(value)
        elif name in {"ETag", "Location"} and status < 400:
            raise AssertionError(f"{name} is missing")


def _resolve(value: Any) -> Any:
    if "$ref" not in value:
        return value
    target: Any = document()
    for part in value["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return target


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    components = {"components": document()["components"]}
    return jsonschema_rs.Draft202012Validator(json.loads(schema) | components, validate_formats=True)
