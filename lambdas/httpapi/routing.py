"""The routes, as data: the function, the gateway and the OpenAPI document are held against this table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

ROUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "/accounts": ("POST",),
    "/accounts/{account_id}": ("GET",),
    "/accounts/{account_id}/credit": ("POST",),
    "/accounts/{account_id}/withdraw": ("POST",),
    "/accounts/{account_id}/close": ("POST",),
    "/accounts/{account_id}/events": ("GET",),
    "/transfers": ("POST",),
}
"""Path template to methods. HEAD and OPTIONS are answered 405 like every other method a path does not support."""

GATEWAY_ROUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "/accounts/{account_id}/commands": ("POST",),
    "/accounts/{account_id}/commands/{command_id}": ("GET",),
}
"""Path template to the methods that the gateway answers from DynamoDB itself. Other methods reach the function."""

_SERVED: Final = {**ROUTES, **GATEWAY_ROUTES}


def match_path(path: str) -> str | None:
    """The template that serves `path`, None when none does. A trailing slash makes another path."""
    segments = path.split("/")
    for template in _SERVED:
        parts = template.split("/")
        if len(parts) == len(segments) and all(
            part == segment or (part.startswith("{") and segment) for part, segment in zip(parts, segments, strict=True)
        ):
            return template
    return None


def allowed_methods(template: str) -> tuple[str, ...]:
    """The methods that a path of this template supports, whoever answers them."""
    return _SERVED[template]


def path_parameters(template: str, path: str) -> dict[str, str]:
    """The parameters of a path that the template matches, percent-decoded."""
    pairs = zip(template.split("/"), path.split("/"), strict=True)
    return {part[1:-1]: unquote(segment) for part, segment in pairs if part.startswith("{")}
