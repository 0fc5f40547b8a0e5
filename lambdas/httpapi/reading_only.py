"""The API of an environment that takes no commands, as while its tables are restored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from lambdas.contracts.asynchronous_operations import ASYNCHRONOUS_OPERATIONS
from lambdas.contracts.operations import OPERATIONS
from lambdas.httpapi.application import Route
from lambdas.httpapi.errors import WritesOffError
from lambdas.httpapi.requests import Request

COMMANDS: Final = frozenset(
    (each.method, each.path)
    for each in (*OPERATIONS, *ASYNCHRONOUS_OPERATIONS)
    if each.command is not None or each.commands
)
"""Method and path template of every operation that takes a command, at once or to be carried out later."""


def offered(routes: Mapping[tuple[str, str], Route], writes: str) -> Mapping[tuple[str, str], Route]:
    """The routes, if `writes` is on. Else every command is refused before anything of it is read: WritesOffError.

    So are those that API Gateway stores itself in an environment that takes commands: here they reach the function.
    """
    return routes if writes == "on" else {**routes, **dict.fromkeys(COMMANDS, refuse)}


def refuse(request: Request) -> NoReturn:
    """Raises WritesOffError."""
    del request
    raise WritesOffError
