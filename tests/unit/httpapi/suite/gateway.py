"""What API Gateway makes of a path: the resource that serves it, and its parameters."""

from __future__ import annotations

from urllib.parse import unquote

from lambdas.httpapi.routing import GATEWAY_ROUTES, ROUTES

CATCH_ALL = "/{proxy+}"


def found(path: str) -> tuple[str, dict[str, str]]:
    """The resource and its parameters, decoded. Empty segments do not count, so a trailing slash finds it too."""
    segments = [unquote(each, errors="replace") for each in path.split("/") if each]
    for template in (*ROUTES, *GATEWAY_ROUTES):
        parts = template.split("/")[1:]
        if len(parts) == len(segments) and all(
            part == segment or part.startswith("{") for part, segment in zip(parts, segments, strict=True)
        ):
            pairs = zip(parts, segments, strict=True)
            return template, {part[1:-1]: segment for part, segment in pairs if part.startswith("{")}
    return (CATCH_ALL, {"proxy": "/".join(segments)}) if segments else ("/", {})


def template_of(path: str) -> str | None:
    """The template of the contract that serves a path as the client wrote it; None when none does."""
    resource, parameters = found(path)
    own = resource
    for name, value in parameters.items():
        own = own.replace(f"{{{name}}}", value)
    return resource if resource in {**ROUTES, **GATEWAY_ROUTES} and own == unquote(path, errors="replace") else None
