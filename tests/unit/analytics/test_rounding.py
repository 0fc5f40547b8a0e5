"""A timestamp finer than milliseconds, which only others write, is rounded half up when it is read, as in Trino.

Source: Trino, `io.trino.spi.type.Timestamps`, `round`.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from tests.unit.analytics.conftest import EUR, A
from tests.unit.analytics.lake import Lake, event


def planted(folder: Path, written: str) -> Lake:
    """A lake with one event whose times somebody wrote into the file by hand."""
    lake = Lake(folder)
    file = lake.arrive("2026-03-01", [event("BalanceCredited", A, 1, "2026-03-01 10:00:00", amount=7, **EUR)])
    lake.edit(file, time=written, recordedtime=written)
    return lake


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("TIMESTAMP '2026-03-01 23:59:59.999499'", "2026-03-01 23:59:59.999"),
        ("TIMESTAMP '2026-03-01 23:59:59.999500'", "2026-03-02 00:00:00"),
        ("TIMESTAMP '2026-03-01 23:59:59.999612'", "2026-03-02 00:00:00"),
        ("TIMESTAMP_NS '2026-03-01 23:59:59.999612345'", "2026-03-02 00:00:00"),
        ("TIMESTAMP_MS '2026-03-01 23:59:59.999'", "2026-03-01 23:59:59.999"),
        ("TIMESTAMP '1969-12-31 23:59:59.998500'", "1969-12-31 23:59:59.999"),
        ("TIMESTAMP '1969-12-31 23:59:59.998499'", "1969-12-31 23:59:59.998"),
        ("CAST(NULL AS TIMESTAMP)", None),
    ],
)
def test_it_is_rounded_half_up(tmp_path: Path, written: str, read: str | None) -> None:
    moment = None if read is None else datetime.fromisoformat(read)
    found = planted(tmp_path, written).sql("SELECT time, recordedtime FROM domain_events")
    assert found == [{"time": moment, "recordedtime": moment}]


def test_the_last_half_millisecond_of_a_day_is_the_next_days(tmp_path: Path) -> None:
    lake = planted(tmp_path, "TIMESTAMP '2026-03-01 23:59:59.999612'")
    assert lake.query("daily_report", day="2026-03-01") == []
    [line] = lake.query("daily_report", day="2026-03-02")
    assert (line["day"], line["credited"]) == (date(2026, 3, 2), 7)
    assert lake.sql("SELECT day FROM daily_account_activity") == [{"day": date(2026, 3, 2)}]
    assert lake.query("balances_as_of", at="2026-03-01T23:59:59.999Z") == []
    assert len(lake.query("balances_as_of", at="2026-03-02T00:00:00Z")) == 1
