"""The routes of the contract: the template that a path matches, and the methods of a template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote

from lambdas.contracts.asynchronous_operations import ASYNCHRONOUS_OPERATIONS
from lambdas.contracts.operations import OPERATIONS, Operation


def _methods(operations: Iterable[Operation]) -> dict[str, tuple[str, ...]]:
    methods: dict[str, tuple[str, ...]] = {}
    for operation in operations:
        methods[operation.path] = (*methods.get(operation.path, ()), operation.method)
    return methods


ROUTES: Final[Mapping[str, tuple[str, ...]]] = _methods(OPERATIONS)
"""Path template to methods. HEAD and OPTIONS are answered 405 like every other method a path does not support."""

GATEWAY_ROUTES: Final[Mapping[str, tuple[str, ...]]] = _methods(ASYNCHRONOUS_OPERATIONS)
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
    """The methods that a path of this template supports, answered by the function or by the gateway."""
    return _SERVED[template]


def path_parameters(template: str, path: str) -> dict[str, str]:
    """The parameters of a path that the template matches, percent-decoded."""
    pairs = zip(template.split("/"), path.split("/"), strict=True)
    return {part[1:-1]: unquote(segment) for part, segment in pairs if part.startswith("{")}
