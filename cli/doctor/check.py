"""The one form of all checks: a name, why it matters, and a function that looks and says what it saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cli.doctor.account import Account
from cli.doctor.finding import Severity


class Seen(NamedTuple):
    """One thing that a check saw, and the command that mends it."""

    severity: Severity
    found: str
    mend: str = ""


@dataclass(frozen=True)
class Check:
    """`look` asks the account and yields at least one thing it saw; it may raise what `Account.ask` raises."""

    name: str
    why: str
    look: Callable[[Account], Iterator[Seen]]


def ok(found: str) -> Seen:
    """As it should be."""
    return Seen(Severity.OK, found)


def warning(found: str, mend: str) -> Seen:
    """It works without, but a promise does not hold."""
    return Seen(Severity.WARNING, found, mend)


def problem(found: str, mend: str) -> Seen:
    """A deployment fails, or calls do."""
    return Seen(Severity.PROBLEM, found, mend)


def not_known(found: str, mend: str = "") -> Seen:
    """It cannot be read. `mend` is empty if nothing would make it known."""
    return Seen(Severity.NOT_KNOWN, found, mend)
