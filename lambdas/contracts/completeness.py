"""Finds what the contract lacks for the classes of the domain. No function imports this."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from lambdas.accounts.commands import COMMANDS
from lambdas.accounts.errors import REFUSALS
from lambdas.accounts.events import EVENTS
from lambdas.accounts.money import CurrencyCode
from lambdas.contracts.errors import ContractIncompleteError
from lambdas.contracts.examples import command_example, event_example
from lambdas.contracts.expectations import expectation, fields_of
from lambdas.contracts.operations import operation_of
from lambdas.contracts.problems import rule_broken

EFFECTS: Final = Path(__file__).parents[2] / "analytics" / "views" / "delivered_events.sql"
"""The one file of SQL that says what each class of event does to an account."""


def names_currency(event: type[msgspec.Struct]) -> None:
    """Every event can be counted by itself, in its account's currency. Raises ContractIncompleteError."""
    fields = {each.name: each for each in msgspec.structs.fields(event)}
    if "currency" not in fields or not fields["currency"].required or fields["currency"].type != CurrencyCode:
        raise ContractIncompleteError(
            f"{event.__name__} does not name its currency: add `currency: CurrencyCode` in lambdas/accounts/events.py"
        )


def has_effect(event: type[msgspec.Struct]) -> None:
    """SQL knows what an event of the class does. Raises ContractIncompleteError."""
    if f"WHEN '{event.__name__}' THEN" not in EFFECTS.read_text(encoding="utf-8"):
        raise ContractIncompleteError(
            f"{event.__name__} has no effect in SQL: add one to analytics/views/delivered_events.sql"
        )


def gaps() -> Iterator[str]:
    """A sentence for each thing that a command, an event or a rejection lacks. It names the class and the file."""
    needed: list[Callable[[], object]] = [
        *(partial(each, command) for command in COMMANDS for each in (operation_of, command_example)),
        *(partial(expectation, command, name) for command in COMMANDS for name in fields_of(command)),
        *(partial(each, event) for event in EVENTS for each in (event_example, names_currency, has_effect)),
        *(partial(rule_broken, error) for error in REFUSALS),
    ]
    for find in needed:
        try:
            find()
        except ContractIncompleteError as error:
            yield str(error)
