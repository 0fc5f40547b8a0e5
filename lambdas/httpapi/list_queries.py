"""Reads what is asked of the read models: which accounts, and which days. All of it raises InvalidRequestError."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from msgspec import Struct

from lambdas.accounts.text import UUID_PATTERN
from lambdas.contracts.limits import MOST_DAYS, MOST_IDS
from lambdas.httpapi.errors import InvalidRequestError
from lambdas.httpapi.requests import positive_integer
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES

STATUSES: Final = ACCOUNT_SUMMARIES.groups

_ACCOUNT_ID: Final = re.compile(UUID_PATTERN)
_CURRENCY: Final = re.compile("[A-Z]{3}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Filters(Struct, frozen=True):
    """Which accounts are listed; an empty text stands for all."""

    status: str = ""
    currency: str = ""

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of the listing in which these accounts stand."""
        return (self.status,) if self.status else STATUSES

    @property
    def order_prefix(self) -> str:
        """What their place in a group begins with."""
        return f"{self.currency}#" if self.currency else ""


class Several(Struct, frozen=True):
    """The accounts that are asked for by their ids, and the version that each must have reached."""

    account_ids: tuple[str, ...]
    min_version: int


class Days(Struct, frozen=True):
    """Totals of a currency from the first to the last day."""

    first: str
    last: str
    currency: str


def filters(query: Mapping[str, str]) -> Filters:
    """The filters of a listing."""
    status = query.get("status")
    if status is not None and status not in STATUSES:
        raise InvalidRequestError("status", f"must be {' or '.join(STATUSES)}")
    return Filters(status or "", _currency(query["currency"]) if "currency" in query else "")


def several(query: Mapping[str, str]) -> Several:
    """The accounts of a query that has `ids`. Nothing but `min_version` may stand beside them."""
    for name in query:
        if name not in {"ids", "min_version"}:
            raise InvalidRequestError(name, "must be left out beside ids")
    account_ids = tuple(query["ids"].split(","))
    if len(account_ids) > MOST_IDS or not all(_ACCOUNT_ID.match(each) for each in account_ids):
        raise InvalidRequestError("ids", f"must be 1 to {MOST_IDS} UUIDs in lower case, with commas between")
    if len(set(account_ids)) < len(account_ids):
        raise InvalidRequestError("ids", "must name each account once")
    least = query.get("min_version")
    return Several(account_ids, 0 if least is None else positive_integer("min_version", least))


def days(query: Mapping[str, str]) -> Days:
    """The days of totals, all of which must be given."""
    for name in ("from", "to", "currency"):
        if name not in query:
            raise InvalidRequestError(name, "must be given")
    first, last = _day("from", query["from"]), _day("to", query["to"])
    if first > last:
        raise InvalidRequestError("to", "must not be before from")
    if last - first >= timedelta(days=MOST_DAYS):
        raise InvalidRequestError("to", f"must be at most {MOST_DAYS} days from the first, with both counted")
    return Days(first.isoformat(), last.isoformat(), _currency(query["currency"]))


def _currency(text: str) -> str:
    """Only the form: ISO 4217 retires codes, and their accounts and totals stay."""
    if _CURRENCY.fullmatch(text) is None:
        raise InvalidRequestError("currency", "must be a code of ISO 4217, such as EUR")
    return text


def _day(name: str, text: str) -> date:
    expected = "must be a day that exists, such as 2026-03-01, without a time"
    if _DAY.fullmatch(text) is None:
        raise InvalidRequestError(name, expected)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequestError(name, expected) from None
