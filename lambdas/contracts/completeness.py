"""Finds what the contract lacks for the classes of the domain. No function imports this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from lambdas.accounts.commands import COMMANDS
from lambdas.accounts.errors import REFUSALS
from lambdas.accounts.events import EVENTS
from lambdas.contracts.errors import ContractIncompleteError
from lambdas.contracts.examples import command_example, event_example
from lambdas.contracts.expectations import expectation, fields_of
from lambdas.contracts.operations import operation_of
from lambdas.contracts.problems import rule_broken


def gaps() -> Iterator[str]:
    """A sentence for each thing that a command, an event or a rejection lacks. It names the class and the file."""
    needed: list[Callable[[], object]] = [
        *(partial(each, command) for command in COMMANDS for each in (operation_of, command_example)),
        *(partial(expectation, command, name) for command in COMMANDS for name in fields_of(command)),
        *(partial(event_example, event) for event in EVENTS),
        *(partial(rule_broken, error) for error in REFUSALS),
    ]
    for find in needed:
        try:
            find()
        except ContractIncompleteError as error:
            yield str(error)
