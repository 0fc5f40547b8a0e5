"""Fills in named queries, and refuses a value that would silently leave rows out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analytics import catalog
from cli.errors import UsageError
from lambdas.reporting.days import LATE_DAYS, MAX_LATE_DAYS

_LATE = "late_days"


def named(name: str, values: Mapping[str, str]) -> str:
    """A named query with its values. Raises StatementError, and UsageError for `late_days` outside its range."""
    statement = catalog.query(name).fill(values)
    if _LATE in values and not LATE_DAYS <= int(values[_LATE]) <= MAX_LATE_DAYS:
        raise UsageError(f"{_LATE} is from {LATE_DAYS} to {MAX_LATE_DAYS}, as in the report, and not {values[_LATE]}.")
    return statement


def pair(text: str) -> tuple[str, str]:
    """`NAME=VALUE`. Raises UsageError."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{text!r} is not NAME=VALUE.")
    return name, value


def named_in(words: Sequence[str]) -> str:
    """A named query from the words QUERY NAME=VALUE …. Raises StatementError or UsageError."""
    if not words:
        raise UsageError(f"Say which query: run QUERY NAME=VALUE …; there are {', '.join(catalog.queries())}.")
    name, *pairs = words
    return named(name, dict(map(pair, pairs)))
