"""Whether a policy lets a caller send a request, as IAM decides it for `execute-api`: for the emulator decides nothing.

Sources: IAM User Guide, "IAM JSON policy elements: Resource" (`*` is any text, also with slashes; `?` is one character)
and "Policy evaluation logic" (denied unless allowed, an explicit Deny wins); API Gateway Developer Guide, "Control
access for invoking an API" (the ARN is of the request's own path).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ACTION = "execute-api:Invoke"


@dataclass(frozen=True)
class Statement:
    """One statement without conditions: `routes` are `METHOD/path` with wildcards, as they end its ARNs."""

    allows: bool
    routes: tuple[str, ...]


class Policy:
    """What a caller may do by its policies together."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._statements = statements

    def allows(self, method: str, path: str) -> bool:
        """`path` is the request's, below the stage, decoded."""
        found = [each.allows for each in self._statements if any(_fits(route, method + path) for route in each.routes)]
        return bool(found) and all(found)


def statement(document: dict[str, Any], resources: Sequence[str], stage: str) -> Statement:
    """A statement of a policy document. `resources` are its ARNs as text, whose ends after the stage are the routes."""
    assert set(document) <= {"Action", "Effect", "Resource", "Sid"}, "a condition, or what is turned around"
    actions = document["Action"] if isinstance(document["Action"], list) else [document["Action"]]
    assert actions == [ACTION]
    routes = []
    for arn in resources:
        before, found, route = arn.partition(f"/{stage}/")
        assert found, arn
        assert before.count(":") >= 5, arn  # of one API: no wildcard stands in its place
        assert "*" not in before, arn
        routes.append(route)
    return Statement(document["Effect"] == "Allow", tuple(routes))


def _fits(pattern: str, text: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None
