"""What the lake holds of some booking days: runs of versions with a digest, and single contents where these differ.

Two questions are about the whole lake, as the views read it: what is booked on other days as well, and stray rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import TypeAlias

import msgspec

from analytics import catalog
from cli.reconcile.recorded import Cell, Known, Window
from cli.sql.session import Result
from lambdas.contracts.contents import digest_of_run

Ask = Callable[[str], Result]


class Run(msgspec.Struct, frozen=True):
    """Versions of an account's day without a gap. `digest` is over every different content of each, in order."""

    first: int
    last: int
    digest: str

    @property
    def versions(self) -> range:
        """They, in order."""
        return range(self.first, self.last + 1)

    def holds(self, events: Mapping[int, bytes | None]) -> bool:
        """Whether it holds exactly these events' contents."""
        digests = [digest for version in self.versions if (digest := events.get(version)) is not None]
        return self.digest == digest_of_run(digests)


Runs: TypeAlias = Mapping[Cell, list[Run]]
Id: TypeAlias = tuple[str, int]
"""Account and version."""

Contents: TypeAlias = Mapping[Id, set[bytes]]
"""The digests of an event's contents in the lake: one, if all is well."""


def lake_runs(ask: Ask, window: Window, late_days: int) -> Runs:
    """The lake's events that arrived up to `late_days` days after their booking day. Raises QueryFailedError."""
    values = {"from_day": window.from_day, "to_day": window.to_day, "late_days": late_days}
    found: dict[Cell, list[Run]] = defaultdict(list)
    for day, account_id, *run in ask(catalog.query("recorded_versions").fill(values)).rows:
        found[day, account_id].append(Run(*run))
    return found


def known_of(runs: Runs) -> Known:
    """Whether a version of an account is in any of these runs, whatever the day."""
    by_account: dict[str, list[Run]] = defaultdict(list)
    for (_, account_id), its in runs.items():
        by_account[account_id] += its

    def known(account_id: str, version: int) -> bool:
        return any(run.first <= version <= run.last for run in by_account.get(account_id, ()))

    return known


def lake_contents(ask: Ask, window: Window, late_days: int) -> Contents:
    """The digests of all contents by account and version, whenever they were booked. Raises QueryFailedError."""
    values = {"from_dt": _partition(window.from_day, -1), "to_dt": _partition(window.to_day, late_days)}
    found: dict[Id, set[bytes]] = defaultdict(set)
    for account_id, version, digest in ask(catalog.query("partition_contents").fill(values)).rows:
        found[account_id, version].add(bytes.fromhex(digest))
    return found


def booked_again(ask: Ask, window: Window) -> set[Id]:
    """Events that are booked on one of the days and on another day as well. Raises QueryFailedError."""
    values = {"first_day": window.from_day, "last_day": window.to_day}
    return {(account_id, version) for account_id, version in ask(catalog.query("booked_again").fill(values)).rows}


def stray_rows(ask: Ask, window: Window) -> list[str]:
    """The lake's rows that no comparison of days sees, each as account/version and id. Raises QueryFailedError."""
    values = {"from_dt": _partition(window.from_day, -1), "first_day": window.from_day, "last_day": window.to_day}
    rows = ask(catalog.query("stray_events").fill(values)).rows
    return ["{1}/{2} (id {0})".format(*("?" if each is None else each for each in row)) for row in rows]


def _partition(day: date, later: int) -> str:
    return str(day + timedelta(days=later))
