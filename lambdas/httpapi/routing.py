"""The routes of the contract: the template that serves a request, and the methods of a template."""

from __future__ import annotations

import re
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

NO_SLASH: Final = "no path ends with a slash"
_SERVED: Final = {**ROUTES, **GATEWAY_ROUTES}
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


def served(resource: str, parameters: Mapping[str, str], path: str) -> tuple[str | None, str]:
    """The path template that serves a request, and that template filled in; None and `path` when nothing does.

    `resource` and `parameters` are API Gateway's, the latter decoded. The sent path has to end in what they name: what
    stands before it is the base path of a custom domain. A trailing slash or a doubled one makes another path, though
    API Gateway may find the same resource; and so does one that climbs by `..`, since a caller's policies are held
    against the path as it was sent, and a star in one, as in `GET/accounts/…/commands/*`, allows all that seems to be
    below. Source: API Gateway Developer Guide, "Input format of a Lambda function for proxy integration", "Control
    access for invoking an API", and "Set up a custom domain name" for base paths, which stand in `path`.
    """
    if resource not in _SERVED:
        return None, path
    own, sent = _PARAMETER.sub(lambda match: parameters.get(match[1], ""), resource), unquote(path)
    before = sent.removesuffix(own)
    other = before == sent or before.endswith("/") or ".." in before.split("/")
    return (None, path) if other else (resource, own)


def allowed_methods(template: str) -> tuple[str, ...]:
    """The methods that a path of this template supports, answered by the function or by the gateway."""
    return _SERVED[template]
