"""Where the sums of two sides differ: which accounts, and which is the first version that they tell differently.

Both sides are asked anew, and what was on its way meanwhile is equal now. Only so many buckets and accounts are looked
into, so that memory and time stay bounded however much differs; the rest is told as a number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from lambdas.verification.findings import Finding, Findings, Kind

DRILLED: Final = 16
"""Of 4,096 buckets."""
DRILLED_ACCOUNTS: Final = 1000
AT_ONCE: Final = 50
"""Accounts whose events are compared at a time: so many histories are in memory."""

Texts: TypeAlias = Mapping[str, Mapping[int, Collection[str]]]
"""By account and version: what one side holds there. One text, if all is well."""


class Side(Protocol):
    """One of two sides that must hold the same events."""

    def accounts(self, buckets: frozenset[int]) -> Mapping[str, int]:
        """The sum of each account in some buckets (see sums)."""
        ...

    def events(self, account_ids: Sequence[str]) -> Texts:
        """The events of some accounts."""
        ...


class Words(Struct, frozen=True):
    """What is said of the first version of an account that the sides tell differently."""

    kind: Kind
    missing: str
    """The event table has it, the other side has not."""
    unknown: str
    """The other side has it, the event table has not."""
    differs: str
    several: str
    """The other side tells it in several ways."""
    place: str
    """The other side, as a subject of findings that are about no account."""


def drill(table: Side, other: Side, differing: Sequence[int], words: Words) -> Findings:
    """What differs in these buckets. Raises what the sides raise."""
    findings = Findings()
    looked = frozenset(differing[:DRILLED])
    mine, its = table.accounts(looked), other.accounts(looked)
    suspects = sorted(each for each in mine.keys() | its.keys() if mine.get(each) != its.get(each))
    for start in range(0, min(len(suspects), DRILLED_ACCOUNTS), AT_ONCE):
        accounts = suspects[start : min(start + AT_ONCE, DRILLED_ACCOUNTS)]
        here, there = table.events(accounts), other.events(accounts)
        for account_id in accounts:
            found = _first(here.get(account_id, {}), there.get(account_id, {}), words)
            if found is not None:
                findings.tell(Finding(words.kind, account_id, *found))
    for more, what in (
        (len(suspects) - DRILLED_ACCOUNTS, "accounts"),
        (len(differing) - DRILLED, "of 4,096 groups of accounts"),
    ):
        if more > 0:
            findings.tell(Finding(words.kind, words.place, 0, f"{more:,} more {what} differ and were not looked into"))
    return findings


def _first(
    mine: Mapping[int, Collection[str]], its: Mapping[int, Collection[str]], words: Words
) -> tuple[int, str] | None:
    versions = [
        each for each in sorted(mine.keys() | its.keys()) if sorted(mine.get(each, ())) != sorted(its.get(each, ()))
    ]
    if not versions:
        return None
    first = versions[0]
    later = f" (and {len(versions) - 1:,} later versions differ)" if len(versions) > 1 else ""
    if first not in its:
        return first, words.missing + later
    if first not in mine:
        return first, words.unknown + later
    return first, (words.several if len(its[first]) > 1 else words.differs) + later
