"""Compares a generation of a read model with the event table, while both go on.

Every account is folded anew, up to the gate that its row has when the walk comes by, and must be equal. The memory
does not grow with events or accounts, only with shared rows: a row with version 1 begins its account's check, the rows
beside it go on with it, and what does not stand beside them is read from the account's history.

A shared row can be compared if it was the same before the walk and after it: then no gate has moved that adds to it, so
it must be the sum of the folds. One that was not is in motion. Rows in motion, or different, are looked at again in
another walk, at most `rounds` in all; what is still in motion then is told, and is neither equal nor different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from lambdas.contracts.domain_events import NotPublishableError
from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError
from lambdas.eventsourcing.segment_fold import Pace, fold_segments, fold_walk
from lambdas.eventsourcing.table_walk import TableWalk, WalkedPage
from lambdas.eventsourcing.timestamps import format_timestamp, parse_timestamp
from lambdas.projections.comparison.account_check import NAMED, Difference, Findings
from lambdas.projections.comparison.account_walk import AccountSet, AccountWalk
from lambdas.projections.comparison.segment_check import SegmentCheck
from lambdas.projections.folding.taken import EventSource
from lambdas.projections.lag import Lag
from lambdas.projections.projection import K, Projection
from lambdas.projections.read_model import ReadModel

SEGMENTS: Final = 8
ROUNDS: Final = 2
FIRST_KEY: Final = "\x00"
LAST_KEY: Final = "\U0010ffff"
MARGIN: Final = timedelta(seconds=60)
"""From an event's booking to its place in the stream: what a lag does not tell."""

A = TypeVar("A")
SharedRows: TypeAlias = Mapping[str, Mapping[str, int]]


class Compared(Struct, frozen=True, kw_only=True):
    """What a comparison found. `accounts` and `shared` were compared, `events` were folded for it.

    `differences` counts them by kind, `first` names the first ones. `late` accounts have no row yet, and need none;
    `in_motion` shared rows could not be compared, the first ones by key. Read units are those of the walks.
    """

    generation: int
    accounts: int
    events: int
    stopped: int
    late: int
    shared: int
    in_motion: int
    moving: tuple[str, ...]
    differences: dict[str, int]
    first: tuple[Difference, ...]
    rounds: int
    read_units: float

    @property
    def equal(self) -> bool:
        """Whether no difference was found."""
        return not self.differences


def settled_before(lag: Lag | None, now: datetime) -> str:
    """What was recorded before this moment should have been folded: by the last lag, or now if there was none."""
    if lag is None:
        return format_timestamp(now - MARGIN)
    return format_timestamp(parse_timestamp(lag.measured_at) - timedelta(seconds=lag.seconds) - MARGIN)


class Comparison(Generic[K]):
    """Compares generations of one projection, by its ports only."""

    def __init__(
        self,
        projection: Projection[K],
        walk: TableWalk,
        events: EventSource,
        rows: ReadModel[K],
        accounts: AccountWalk,
        *,
        segments: int = SEGMENTS,
        rounds: int = ROUNDS,
    ) -> None:
        self._projection = projection
        self._walk = walk
        self._events = events
        self._rows = rows
        self._accounts = accounts
        self._segments = segments
        self._rounds = rounds

    def compare(self, generation: int, settled: str, *, told: Callable[[Pace], None] = lambda _: None) -> Compared:
        """Compare a generation. `told` hears how far a walk has come.

        What was recorded before the moment `settled` should have been folded (`settled_before` says it). Raises
        ReadModelUnavailableError, ReadUnavailableError.
        """
        first = last = self._round(generation, settled, told)
        self._tell_superfluous(generation, first)
        suspects, rounds, units = first.moving | first.differing.keys(), 1, first.read_units
        while suspects and rounds < self._rounds:
            last = self._round(generation, settled, told)
            suspects &= last.moving | last.differing.keys()
            rounds, units = rounds + 1, units + last.read_units
        for key in sorted(suspects - last.moving):
            first.findings.tell(last.differing[key])
        return Compared(
            generation=generation,
            accounts=first.findings.accounts,
            events=first.findings.events,
            stopped=first.findings.stopped,
            late=first.findings.late,
            shared=first.shared - len(suspects & last.moving),
            in_motion=len(suspects & last.moving),
            moving=tuple(sorted(suspects & last.moving)[:NAMED]),
            differences=dict(sorted(first.findings.counts.items())),
            first=tuple(first.findings.named),
            rounds=rounds,
            read_units=units,
        )

    def _round(self, generation: int, settled: str, told: Callable[[Pace], None]) -> _Round:
        before = self._rows.shared_rows(generation, FIRST_KEY, LAST_KEY)
        paces: list[Pace] = [Pace(0, 0.0, 0, self._segments, 0.0)]

        def noted(pace: Pace) -> None:
            paces[0] = pace
            told(pace)

        def check(pages: Iterator[WalkedPage]) -> SegmentCheck[K]:
            segment = SegmentCheck(self._projection, self._rows, self._events, generation, settled)
            for page in pages:
                segment.add(page)
            segment.finish()
            return segment

        findings, seen = Findings(), AccountSet()
        for segment in fold_walk(self._walk, check, segments=self._segments, told=noted):
            findings.merge(segment.findings)
            seen.merge(segment.seen)
        after = self._rows.shared_rows(generation, FIRST_KEY, LAST_KEY)
        return _round(findings, seen, before, after, read_units=paces[0].read_units)

    def _tell_superfluous(self, generation: int, first: _Round) -> None:
        """Accounts that have a row and no event. Those that were opened meanwhile are looked up one by one."""
        present = AccountSet()
        for segment in self._each_page(generation, _as_set):
            present.merge(segment)
        buckets = present.differing(first.seen)
        if not buckets:
            return
        for strays in self._each_page(generation, lambda pages: self._strays(buckets, pages)):
            first.findings.merge(strays)

    def _each_page(self, generation: int, fold: Callable[[Iterator[list[str]]], A]) -> list[A]:
        return fold_segments(
            lambda segment: self._accounts.pages(generation, segment, self._segments), fold, segments=self._segments
        )

    def _strays(self, buckets: frozenset[int], pages: Iterator[list[str]]) -> Findings:
        strays = Findings()
        for page in pages:
            for account_id in AccountSet.within(buckets, page):
                if not self._has_events(account_id):
                    strays.tell(Difference("superfluous", account_id, "no row", "a row"))
        return strays

    def _has_events(self, account_id: str) -> bool:
        try:
            return any(True for _ in self._events.read(account_id, up_to=1))
        except (NotPublishableError, CorruptRowError):
            return True
        except InconsistentReadError:
            return False


class _Round(Struct):
    """One walk. `shared` counts the rows that exist or should; `moving` ones changed meanwhile."""

    findings: Findings
    seen: AccountSet
    shared: int
    moving: set[str]
    differing: dict[str, Difference]
    read_units: float


def _round(findings: Findings, seen: AccountSet, before: SharedRows, after: SharedRows, *, read_units: float) -> _Round:
    keys = before.keys() | after.keys() | findings.sums.keys()
    moving = {key for key in keys if before.get(key) != after.get(key)}
    differing: dict[str, Difference] = {}
    for key in sorted(keys - moving):
        expected, found = _without_zeros(findings.sums.get(key, {})), _without_zeros(after.get(key, {}))
        if expected != found:
            differing[key] = Difference("shared", key, _text(expected), _text(found))
    return _Round(findings, seen, len(keys), moving, differing, read_units)


def _as_set(pages: Iterator[list[str]]) -> AccountSet:
    found = AccountSet()
    for page in pages:
        for account_id in page:
            found.add(account_id)
    return found


def _without_zeros(measures: Mapping[str, int]) -> dict[str, int]:
    return {name: amount for name, amount in sorted(measures.items()) if amount}


def _text(measures: Mapping[str, int]) -> str:
    return msgspec.json.encode(measures).decode()
