"""The contract of a projection: a name, and a pure function that folds an account's domain events one by one.

A projection keeps something of each account: `keeps` is its struct. What it keeps is one row of the read model, and may
be all there is of it (a view with one row an account). It may also add to rows that many accounts share (totals).
A projection is one module beside this one and one line in `registry`; `docs/projections.md` shows how to write one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeAlias, TypeVar

from msgspec import Struct

from lambdas.contracts.domain_events import AccountDomainEvent

K = TypeVar("K", bound=Struct)

Measures: TypeAlias = Mapping[str, int]
"""What is added to a shared row, by the name of the measure: whole numbers, which may be negative."""
Additions: TypeAlias = Mapping[str, Measures]
"""What is added to shared rows, by their key, which is also their order: `EUR#2026-03-01`, say."""

NOTHING: Final[Additions] = {}


class Folded(Struct, Generic[K], frozen=True):
    """What one event leads to: what is kept of its account from now on, and what is added to shared rows."""

    kept: K
    additions: Additions = NOTHING


class Place(Struct, frozen=True):
    """Where the account stands in listings: in one of a few `group`s (such as a status), in the order of `order`.

    Within a group, accounts are spread over shards, ordered by `order` and then by account id. Neither text holds a #.
    """

    group: str
    order: str


class Projection(Struct, Generic[K], frozen=True, kw_only=True):
    """One projection. `fold` is pure and total, and gets the account's events without a gap, each exactly once.

    What it raises stops the account in this projection: an alarm fires, and `daybook projections retry` goes on after
    a fix. `place` says where the account is listed; without it accounts are found by their id only.
    `groups` are all groups that `place` can name.
    """

    name: str
    summary: str
    keeps: type[K]
    fold: Callable[[K | None, AccountDomainEvent], Folded[K]]
    place: Callable[[K], Place] | None = None
    groups: tuple[str, ...] = ()


AnyProjection: TypeAlias = Projection[Any]
