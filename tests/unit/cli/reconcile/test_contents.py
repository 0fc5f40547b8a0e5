"""What `reconcile` says of events that are in both, with another content in the lake: every published column counts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.reconcile.comparing import as_text
from cli.reconcile.comparison import Reconciliation, reconcile
from cli.reconcile.recorded import Recorded, Window
from lambdas.contracts.lake import DATA_FIELDS, LAKE_COLUMNS
from tests.unit.analytics.conftest import TRANSFER, A, B
from tests.unit.analytics.lake import Lake, event
from tests.unit.cli.reconcile.ledger import EVENTS, WINDOW, Asked, item, recorded

EDITED = f"{A}/3"
ATTRIBUTES = {column.name: column.type for column in LAKE_COLUMNS if column.name != "data"}
OTHERWISE = {"string": "'another'", "bigint": "77", "timestamp": "{} + INTERVAL 1 MILLISECOND"}
"""Another value for a column of each type."""
NULLS = {"string": "CAST(NULL AS VARCHAR)", "bigint": "CAST(NULL AS BIGINT)", "timestamp": "CAST(NULL AS TIMESTAMP)"}

TODAY = date(2026, 3, 20)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def edited(lake: Lake, values: dict[str, str], *, beside: bool = False) -> Lake:
    """A lake with one event in which columns have other values; `beside` the genuine one, or instead of it."""
    kept = [each for each in EVENTS if beside or each.id != EDITED]
    lake.arrive("2026-03-01", kept)
    lake.edit(lake.arrive("2026-03-02", [each for each in EVENTS if each.id == EDITED]), **values)
    return lake


def compare(lake: Lake, first: int = 1, last: int = 3) -> Reconciliation:
    window = Window(date(2026, 3, first), date(2026, 3, last), WINDOW.settled)
    return reconcile(lambda known: recorded(map(item, EVENTS), window, known), Asked(lake), window, today=TODAY)


def found(told: Reconciliation) -> tuple[list[str], list[str], list[str]]:
    return told.missing, told.unknown, told.differs


def data_with(field: str, value: str) -> str:
    """The struct `data` with another value in one field."""
    members = ", ".join(f"{name} := {value if name == field else f'data.{name}'}" for name in DATA_FIELDS)
    return f"struct_pack({members})"


def test_an_edited_file_without_an_edit_is_equal(lake: Lake) -> None:
    assert compare(edited(lake, {"id": "id", "time": "time", "data": "data"})).equal


@pytest.mark.parametrize("otherwise", [OTHERWISE, NULLS], ids=["other", "null"])
def test_another_value_in_any_column_or_field_differs(lake: Lake, otherwise: dict[str, str]) -> None:
    """Each event of an account has another value in one column, the next one in the next."""
    columns = {name: kind for name, kind in ATTRIBUTES.items() if name not in {"subject", "streamversion"}}
    places = [*columns, *DATA_FIELDS]
    given = {**TRANSFER, "reference": "rent", "to_account_id": B}
    events = [
        event("TransferSent", A, version, "2026-03-01 10:00:00", **given) for version in range(1, len(places) + 1)
    ]

    def only_for(place: str, value: str, kept: str) -> str:
        return f"CASE WHEN id = '{A}/{places.index(place) + 1}' THEN {value} ELSE {kept} END"

    moment = "TIMESTAMP '2026-03-01 10:00:00'"
    members = [
        f"{name} := {only_for(name, otherwise[kind].format(moment), f'data.{name}')}"
        for name, kind in DATA_FIELDS.items()
    ]
    values = {name: only_for(name, otherwise[kind].format(name), name) for name, kind in columns.items()}
    lake.edit(lake.arrive("2026-03-01", events), **values, data=f"struct_pack({', '.join(members)})")
    told = reconcile(lambda known: recorded(map(item, events), WINDOW, known), Asked(lake), WINDOW, today=TODAY)
    unchanged = set(DATA_FIELDS) - given.keys() if otherwise is NULLS else set()
    differ = [f"{A}/{version}" for version, place in enumerate(places, start=1) if place not in unchanged]
    assert found(told) == ([], [], differ)


@pytest.mark.parametrize("name", ["subject", "streamversion"])
def test_under_another_id_it_is_missing_here_and_unknown_there(lake: Lake, name: str) -> None:
    value = {"subject": f"'{B}x'", "streamversion": "77"}[name]
    told = compare(edited(lake, {name: value}))
    assert (told.missing, len(told.unknown), told.differs) == ([EDITED], 1, [])


@pytest.mark.parametrize("value", ["''", "chr(10)", "'=' || chr(10) || '=' || data.transfer_id"])
def test_no_text_stands_for_a_null_or_for_the_next_field(lake: Lake, value: str) -> None:
    assert found(compare(edited(lake, {"data": data_with("reference", value)}))) == ([], [], [EDITED])


def test_a_rowhash_alone_proves_nothing_of_an_edited_row(lake: Lake) -> None:
    told = compare(edited(lake, {"rowhash": "rowhash", "data": data_with("amount", "data.amount + 1")}))
    assert told.differs == [EDITED]


def test_another_content_beside_the_genuine_one_differs(lake: Lake) -> None:
    told = compare(edited(lake, {"data": data_with("amount", "1")}, beside=True))
    assert found(told) == ([], [], [EDITED])
    assert [(day.event_table, day.lake, day.differs) for day in told.days] == [(5, 5, 1), (4, 4, 0), (2, 2, 0)]


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize(
    ("written", "days", "told"),
    [
        pytest.param("2026-03-01 23:59:59.999612", (1, 3), ([], [], [EDITED]), id="rounded into the next day"),
        pytest.param("2026-03-03 11:00:00", (1, 3), ([], [], [EDITED]), id="another of the days"),
        pytest.param("2026-03-02 11:00:00", (2, 3), ([], [], [EDITED]), id="one of the days, and not in the table"),
    ],
)
def test_an_event_of_another_day_differs_and_is_neither_missing_nor_unknown(
    lake: Lake, beside: bool, written: str, days: tuple[int, int], told: tuple[list[str], list[str], list[str]]
) -> None:
    reconciled = compare(edited(lake, {"recordedtime": f"TIMESTAMP '{written}'"}, beside=beside), *days)
    assert found(reconciled) == told
    assert sum(day.differs for day in reconciled.days) == 1


def test_an_event_that_was_moved_out_of_the_days_differs(lake: Lake) -> None:
    told = compare(edited(lake, {"recordedtime": "TIMESTAMP '2026-03-02 00:00:00'"}), 1, 1)
    assert found(told) == ([], [], [EDITED])
    assert [(day.day.day, day.event_table, day.lake, day.differs) for day in told.days] == [(1, 5, 4, 1)]


def test_what_is_recent_in_the_table_and_of_an_earlier_day_in_the_lake_differs(lake: Lake) -> None:
    lake.arrive("2026-03-01", [each for each in EVENTS if each.id != f"{A}/5"])
    lake.edit(
        lake.arrive("2026-03-03", [each for each in EVENTS if each.id == f"{A}/5"]),
        recordedtime="TIMESTAMP '2026-03-02 00:00:00'",
    )
    window = Window(date(2026, 3, 1), date(2026, 3, 3), datetime(2026, 3, 3, 8, 30, tzinfo=UTC))
    told = reconcile(lambda known: recorded(map(item, EVENTS), window, known), Asked(lake), window, today=TODAY)
    assert found(told) == ([], [], [f"{A}/5"])


def test_an_edited_event_that_came_late_differs(lake: Lake) -> None:
    lake.arrive("2026-03-01", [each for each in EVENTS if each.id != EDITED])
    lake.edit(lake.arrive("2026-03-19", [each for each in EVENTS if each.id == EDITED]), causationid="'another'")
    told = compare(lake)
    assert found(told) == ([], [], [EDITED])
    assert told.days[0].late == 1


@pytest.mark.parametrize("arrived", [False, True])
def test_a_row_that_cannot_be_published_is_missing_or_differs(lake: Lake, arrived: bool) -> None:
    lake.arrive("2026-03-01", [each for each in EVENTS if arrived or each.id != EDITED])
    rows = [item(each) for each in EVENTS]
    [broken] = [row for row in rows if (row["stream_id"]["S"], row["version"]["N"]) == (A, "3")]
    broken["data"] = {"S": "{}"}

    def scan(_: Any) -> Recorded:
        return recorded(rows, WINDOW)

    told = reconcile(scan, Asked(lake), WINDOW, today=TODAY)
    assert found(told) == (([], [], [EDITED]) if arrived else ([EDITED], [], []))


@pytest.mark.parametrize(
    ("came", "values"),
    [
        pytest.param("2026-03-19", {"recordedtime": "recordedtime + INTERVAL 1 SECOND"}, id="late, and booked later"),
        pytest.param("2026-03-19", {"causationid": "'another'"}, id="late, and booked at the same moment"),
        pytest.param("2026-03-02", {"recordedtime": "TIMESTAMP '2026-03-30 00:00:00'"}, id="a day to come"),
        pytest.param("2026-03-19", {"recordedtime": "TIMESTAMP '2026-03-19 00:00:00'"}, id="late, on a later day"),
        pytest.param("2026-03-02", {"recordedtime": "TIMESTAMP '2026-02-20 00:00:00'"}, id="an earlier day"),
        pytest.param("2026-02-01", {"recordedtime": "TIMESTAMP '2026-03-30 00:00:00'"}, id="in an old partition"),
    ],
)
def test_a_second_content_differs_whenever_it_came_and_whatever_its_day(
    lake: Lake, came: str, values: dict[str, str]
) -> None:
    lake.arrive("2026-03-01", EVENTS)
    lake.edit(lake.arrive(came, [each for each in EVENTS if each.id == EDITED]), **values)
    told = compare(lake)
    assert found(told) == ([], [], [EDITED])
    assert [(day.event_table, day.lake, day.differs, day.late) for day in told.days] == [
        (5, 5, 1, 0), (4, 4, 0, 0), (2, 2, 0, 0)
    ]  # fmt: skip


NO_KEY = {"subject": f"?/3 (id {EDITED})", "streamversion": f"{A}/? (id {EDITED})", "id": f"{A}/3 (id ?)"}


@pytest.mark.parametrize("came", ["2026-02-01", "2026-03-02", "2026-03-19"])
@pytest.mark.parametrize("name", ["subject", "streamversion", "recordedtime", "id"])
def test_a_row_of_the_lake_without_a_key_is_stray(lake: Lake, name: str, came: str) -> None:
    """No comparison of days sees it, and the views count it."""
    lake.arrive("2026-03-01", EVENTS)
    file = lake.arrive(came, [each for each in EVENTS if each.id == EDITED])
    lake.edit(file, **{name: NULLS[ATTRIBUTES[name]]})
    told = compare(lake)
    assert told.stray == [NO_KEY.get(name, f"{A}/3 (id {EDITED})")]
    assert not told.equal
    assert f"1 in the lake without a full id of their own, or before their day:\n  {told.stray[0]}" in as_text(told)


@pytest.mark.parametrize(
    ("came", "values"),
    [
        pytest.param("2026-03-19", {"subject": f"'{B}x'", "recordedtime": "TIMESTAMP '2026-03-19 00:00:00'"}, id="id"),
        pytest.param("2026-02-01", {"id": f"'{B}/9'", "subject": f"'{B}'", "streamversion": "9"}, id="partition"),
    ],
)
def test_a_row_is_stray_under_anothers_id_or_in_a_partition_before_its_day(
    lake: Lake, came: str, values: dict[str, str]
) -> None:
    lake.arrive("2026-03-01", EVENTS)
    lake.edit(lake.arrive(came, [each for each in EVENTS if each.id == EDITED]), **values)
    told = compare(lake)
    assert (len(told.stray), told.equal) == (1, False)


def test_single_contents_are_asked_for_only_in_doubt(lake: Lake, tmp_path: Path) -> None:
    for place, expected in ((edited(lake, {"id": "id"}), 4), (edited(Lake(tmp_path / "other"), {"type": "'x'"}), 5)):
        asked = Asked(place)
        reconcile(lambda known: recorded(map(item, EVENTS), WINDOW, known), asked, WINDOW, today=TODAY)
        assert asked.questions == expected
