"""A booking day's figures are the same in every range of days that holds it, however late its events came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from analytics.catalog import queries
from tests.unit.analytics.conftest import EUR, A, B
from tests.unit.analytics.lake import Lake, event

OF_RANGES = sorted(name for name, each in queries().items() if "to_day" in each.parameters)
DAYS = [date(2026, 3, number) for number in range(1, 8)]
ARRIVALS = (-1, 0, 0, 0, 1, 3, 4, 8)
"""Days from an event's to its file's; more than three are too late."""
FROM_NEIGHBOURS = {"expected", "missing"}
"""Figures of `reconciliation` that are about the days between two events of an account, and so about the range."""


def filled(lake: Lake, random: Random) -> Lake:
    """A week of two accounts, each of which takes money out in minutes around midnight and at noon."""
    files: dict[date, list[Any]] = defaultdict(list)
    for account in (A, B):
        version = 0
        for day in DAYS:
            for moment in _moments(day):
                version += 1
                withdrawn = event(
                    "BalanceWithdrawn", account, version, str(moment), amount=random.randint(1, 99), **EUR
                )
                for late in random.choices(ARRIVALS, k=random.choice((1, 1, 2))):
                    files[day + timedelta(days=late)].append(withdrawn)
    for day, events in files.items():
        lake.arrive(f"{day}", events)
    return lake


def _moments(day: date) -> Iterator[datetime]:
    midnight = datetime.combine(day, datetime.min.time())
    for hours in (0, 12, 24):
        for seconds in (-40, -20, 0, 20):
            moment = midnight + timedelta(hours=hours, seconds=seconds)
            if moment.date() == day:
                yield moment


def by_day(rows: list[dict[str, Any]]) -> dict[date, list[tuple[Any, ...]]]:
    """The rows of each day, in their order, without what they say of the days around."""
    found: dict[date, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        [day] = [row[name] for name in ("day", "recordedtime", "ended_at") if name in row]
        day = day.date() if isinstance(day, datetime) else day
        found[day].append(tuple(value for name, value in row.items() if name not in FROM_NEIGHBOURS))
    return found


@pytest.mark.parametrize("seed", [17])
@pytest.mark.parametrize("name", OF_RANGES)
def test_a_day_is_the_same_in_every_range(name: str, seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    lake = filled(Lake(tmp_path), random)
    more = {"times": "3"} if "times" in queries()[name].parameters else {}

    def asked(first: date, last: date) -> dict[date, list[tuple[Any, ...]]]:
        return by_day(lake.query(name, from_day=first, to_day=last, **more))

    alone = {day: asked(day, day)[day] for day in DAYS}
    assert sum(map(len, alone.values())) >= len(DAYS)
    ranges = [(DAYS[0], DAYS[-1]), *(sorted(random.sample(DAYS, 2)) for _ in range(2))]
    for first, last in ranges:
        found = asked(first, last)
        for day in DAYS:
            assert found[day] == (alone[day] if first <= day <= last else []), (seed, first, last, day)


@pytest.mark.parametrize("seed", [17])
def test_the_days_of_a_range_have_the_daily_reports_figures(seed: int, tmp_path: Path) -> None:
    lake = filled(Lake(tmp_path), Random(seed))
    of_range = lake.query("daily_activity_per_currency", from_day=DAYS[0], to_day=DAYS[-1])
    assert of_range == [row for day in DAYS for row in lake.query("daily_report", day=day)]
    later = lake.query("daily_activity_per_currency", from_day=DAYS[0], to_day=DAYS[-1], late_days=8)
    assert later == [row for day in DAYS for row in lake.query("daily_report", day=day, late_days=8)]
    assert sum(row["events"] for row in later) > sum(row["events"] for row in of_range)


@pytest.mark.parametrize("to_day", ["2026-03-01", "2026-03-05", "2026-03-06", "2026-03-10"])
def test_what_came_eight_days_late_is_of_its_day_only_for_who_asks_for_so_late(to_day: str, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    credit = event("BalanceCredited", A, 1, "2026-03-01 09:00:00", amount=700, **EUR)
    lake.arrive("2026-03-09", [credit])
    for name in ("daily_activity_per_currency", "recorded_versions", "reconciliation", "domain_events_of_days"):
        assert lake.query(name, from_day="2026-03-01", to_day=to_day) == [], name
        assert lake.query(name, from_day="2026-03-01", to_day=to_day, late_days=7) == [], name
        assert len(lake.query(name, from_day="2026-03-01", to_day=to_day, late_days=8)) == 1, name
