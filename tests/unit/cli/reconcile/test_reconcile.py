"""`daybook reconcile`: the event table against the lake, whichever of both lacks something, and wherever."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from cli.app import main
from cli.aws import AWS
from cli.environments.lake import Target
from cli.errors import PlaceError, QueryFailedError, UnavailableError
from cli.reconcile import comparing
from cli.reconcile.comparison import Reconciliation, reconcile
from cli.reconcile.recorded import Known, Recorded, Window, recorded_events
from cli.republish.republisher import spans_of
from tests.support.envelopes import printed
from tests.unit.analytics.conftest import EUR, THIRD, A, B, C
from tests.unit.analytics.lake import Lake, event
from tests.unit.cli.reconcile.ledger import EVENTS, WINDOW, Asked, Events, FakeScan, Item, item, nothing, recorded

TODAY = date(2026, 3, 20)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def compare(lake: Lake, table: Events = EVENTS, window: Window = WINDOW, today: date = TODAY) -> Reconciliation:
    return reconcile(lambda known: recorded(map(item, table), window, known), Asked(lake), window, today=today)


def arrived(lake: Lake, lost: Iterable[str] = (), more: Events = ()) -> Lake:
    """All events but some, in several files; some came twice."""
    kept = [each for each in EVENTS if each.id not in set(lost)]
    lake.arrive("2026-03-01", [*kept[:4], *more])
    lake.arrive("2026-03-02", [*kept[3:], *kept[:1]])
    return lake


def test_equal_whatever_came_twice(lake: Lake) -> None:
    found = compare(arrived(lake))
    assert found.equal
    assert [(day.day.day, day.event_table, day.lake, day.missing, day.unknown, day.late) for day in found.days] == [
        (1, 5, 5, 0, 0, 0), (2, 4, 4, 0, 0, 0), (3, 2, 2, 0, 0, 0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param([f"{A}/5"], id="an account's last event"),
        pytest.param([f"{A}/4", f"{A}/5", f"{B}/4"], id="tails over days"),
        pytest.param([f"{C}/1", f"{C}/2"], id="a whole account"),
        pytest.param([f"{A}/2"], id="a hole"),
        pytest.param([f"{A}/1"], id="a head"),
        pytest.param([each.id for each in THIRD], id="a whole day"),
    ],
)
def test_what_the_lake_lost_is_named(lake: Lake, lost: list[str]) -> None:
    found = compare(arrived(lake, lost))
    assert (sorted(found.missing), found.unknown, found.equal) == (sorted(lost), [], False)
    assert sum(day.missing for day in found.days) == len(lost)


def test_equal_counts_of_different_events_are_no_equality(lake: Lake) -> None:
    stranger = event("BalanceCredited", B, 9, "2026-03-01 12:00:00", amount=1, **EUR)
    found = compare(arrived(lake, [f"{A}/2"], more=[stranger]))
    assert (found.missing, found.unknown) == ([f"{A}/2"], [f"{B}/9"])
    assert (found.days[0].event_table, found.days[0].lake) == (5, 5)
    assert not found.equal


def test_an_account_that_only_the_lake_knows(lake: Lake) -> None:
    found = compare(arrived(lake), table=[each for each in EVENTS if each.subject != C])
    assert (found.missing, found.unknown, found.equal) == ([], [f"{C}/1", f"{C}/2"], False)


def test_what_was_published_again_weeks_later_is_there_but_late(lake: Lake) -> None:
    arrived(lake, [f"{A}/5", f"{C}/2"]).arrive("2026-03-19", [each for each in EVENTS if each.id == f"{A}/5"])
    found = compare(lake)
    assert (found.missing, [day.late for day in found.days]) == ([f"{C}/2"], [0, 0, 1])
    assert [(day.lake, day.missing) for day in found.days] == [(5, 0), (3, 1), (2, 0)]


@pytest.mark.parametrize("came", ["2026-03-03", "2026-03-19", "2026-03-20"])
def test_what_the_table_does_not_hold_is_unknown_however_late_it_came(lake: Lake, came: str) -> None:
    stranger = event("BalanceCredited", A, 6, "2026-03-03 12:00:00", amount=99999, **EUR)
    arrived(lake).arrive(came, [stranger])
    found = compare(lake)
    assert (found.missing, found.unknown, found.differs) == ([], [f"{A}/6"], [])
    assert (found.days[2].event_table, found.days[2].lake, found.days[2].late) == (2, 3, 0)


@pytest.mark.parametrize("to_day", [1, 2, 3, 10])
def test_each_day_ends_by_itself_whatever_the_last_one_is(lake: Lake, to_day: int) -> None:
    """In time is what reports of the day read: three days after it, not after the range's last day."""
    lake.arrive("2026-02-28", EVENTS[:1])
    lake.arrive("2026-03-04", EVENTS[1:4])
    lake.arrive("2026-03-05", [*EVENTS[4:], EVENTS[1]])
    lake.arrive("2026-03-12", EVENTS[3:4])
    found = compare(lake, window=Window(date(2026, 3, 1), date(2026, 3, to_day), WINDOW.settled))
    assert found.equal
    late = {day.day.day: (day.event_table, day.lake, day.late) for day in found.days}
    assert late == {
        day: figures for day, figures in {1: (5, 5, 1), 2: (4, 4, 0), 3: (2, 2, 0)}.items() if day <= to_day
    }


@pytest.mark.parametrize(("came", "late"), [("2026-03-04", 0), ("2026-03-05", 1), ("2026-03-10", 1)])
def test_what_came_up_to_today_is_found_whichever_day_is_the_last(lake: Lake, came: str, late: int) -> None:
    arrived(lake, [f"{A}/1"]).arrive(came, EVENTS[:1])
    for to_day in (1, 2, 9, 10):
        window = Window(date(2026, 3, 1), date(2026, 3, to_day), WINDOW.settled)
        found = compare(lake, window=window, today=date(2026, 3, 10))
        assert (found.missing, [day.late for day in found.days][:1]) == ([], [late])


def test_other_days_are_left_out_of_both(lake: Lake) -> None:
    arrived(lake, [f"{A}/1", f"{A}/5"])
    found = compare(lake, window=Window(date(2026, 3, 2), date(2026, 3, 2), WINDOW.settled))
    assert [(day.day.day, day.event_table, day.lake) for day in found.days] == [(2, 4, 4)]
    assert found.equal


def test_what_was_recorded_just_now_may_have_arrived_or_not(lake: Lake) -> None:
    arrived(lake, [f"{A}/5"])
    found = compare(lake, window=Window(date(2026, 3, 3), date(2026, 3, 3), datetime(2026, 3, 3, 7, tzinfo=UTC)))
    assert [(day.event_table, day.lake, day.unknown) for day in found.days] == [(0, 0, 0)]
    assert found.equal


@pytest.mark.parametrize(("settled", "expected"), [("09:00:00.000", set()), ("09:00:00.001", {5})])
def test_what_was_recorded_before_it_had_to_be_there_must_be(settled: str, expected: set[int]) -> None:
    window = Window(date(2026, 3, 3), date(2026, 3, 3), datetime.fromisoformat(f"2026-03-03T{settled}+00:00"))
    found = recorded([item(each) for each in EVENTS if each.id == f"{A}/5"], window)
    assert found.events.get((date(2026, 3, 3), A), {}).keys() == expected
    assert found.recent.get((date(2026, 3, 3), A), {}).keys() == {5} - expected


def test_what_is_recorded_and_arrives_meanwhile_is_not_unknown(lake: Lake) -> None:
    """The table is scanned last, so it holds whatever the lake showed."""
    arrived(lake, [f"{A}/5"])

    def scan(_: Known) -> Recorded:
        lake.arrive("2026-03-03", [each for each in EVENTS if each.id == f"{A}/5"])
        return recorded(item(each) for each in EVENTS if each.id != f"{A}/5")

    assert reconcile(scan, Asked(lake), WINDOW, today=TODAY).equal


@pytest.mark.parametrize(
    "change",
    [
        {"recorded_at": {"N": "5"}},
        {"recorded_at": {"S": "yesterday"}},
        {"recorded_at": {"S": "2026-03-01"}},
        {"version": {"N": "1.5"}},
    ],
)
def test_a_row_without_a_readable_day_or_version_is_a_difference(lake: Lake, change: Item) -> None:
    odd = {"stream_id": {"S": "x"}, "version": {"N": "7"}, "recorded_at": {"S": "2026-03-01T00:00:00.000Z"}} | change
    rows = recorded([*map(item, EVENTS), odd])
    found = reconcile(lambda _: rows, Asked(arrived(lake)), WINDOW, today=TODAY)
    assert (found.odd, found.missing, found.equal) == ([f"x/{odd['version']['N']}"], [], False)


def test_a_row_without_a_booking_time_is_a_difference(lake: Lake) -> None:
    rows = recorded([*map(item, EVENTS), {"stream_id": {"S": "x"}, "version": {"N": "7"}}])
    assert rows.odd == ["x/7"]


@pytest.mark.parametrize("segments", [1, 4, 9])
def test_every_page_of_every_segment_is_read_and_its_cost_is_told(segments: int) -> None:
    items = [item(each) for each in EVENTS]
    found = recorded_events(FakeScan(items), "events", WINDOW, nothing, segments=segments)
    assert found.rows == len(EVENTS)
    assert found.events == recorded(items).events
    assert found.events[date(2026, 3, 1), A].keys() == {1, 2, 3}
    assert found.read_units >= len(EVENTS) / 4


def test_a_scan_that_fails_is_a_sentence() -> None:
    class Down(FakeScan):
        def scan(self, **request: Any) -> dict[str, Any]:
            raise ReadTimeoutError(endpoint_url="https://example.test")

    with pytest.raises(UnavailableError, match="cannot be scanned: Read timeout"):
        recorded_events(Down([]), "events", WINDOW, nothing)


# --- the command


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "utc_now", lambda: datetime(2026, 3, 3, 12, 30, 0, 5, tzinfo=UTC))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., int]:
    """Run the command on a system of which the lake lost `lost`; notes the window."""
    file = tmp_path / "environment.json"
    file.write_text(
        '{"event_table": "t", "aws_endpoint_url": "http://127.0.0.1:1", "region": "eu-west-1",'
        ' "athena_workgroup": "w", "glue_database": "g", "athena_endpoint_url": "http://127.0.0.1:2"}'
    )

    def run(*arguments: str, lost: Iterable[str] = (), error: Exception | None = None) -> int:
        lake = arrived(Lake(tmp_path / "lake"), lost)

        class Both(AWS):
            def sql(self, target: Target) -> Asked:
                return Asked(lake)

            def recorded(self, place: Any, window: Window, known: Known, counted: Callable[[int], None]) -> Recorded:
                if error:
                    raise error
                return recorded(map(item, EVENTS), window, known)

        where = [] if "--environment-file" in arguments else ["--environment-file", str(file)]
        return main(["reconcile", "--from", "2026-03-01", *where, *arguments], connections=Both())

    return run


def test_nothing_differs(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--to", "2026-03-02") == 0
    said = capsys.readouterr()
    assert said.out.split()[:7] == ["day", "event_table", "lake", "missing", "unknown", "differs", "late"]
    assert "not in the lake" not in said.out
    assert said.err == "11 rows scanned, 4.0 read units\n"


def test_what_differs_is_listed_and_the_status_says_so(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "SHOWN_IDS", 2)
    assert run(lost=[f"{A}/1", f"{A}/2", f"{C}/1"]) == 1
    shown = capsys.readouterr().out
    assert f"3 not in the lake:\n  {A}/1\n  {A}/2\n  … and 1 more: --json lists all" in shown


def test_json_has_every_id_in_the_form_that_can_be_published_again(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "SHOWN_IDS", 1)
    lost = [f"{A}/1", f"{A}/2", f"{C}/1"]
    assert run("--json", lost=lost) == 1
    document = printed("reconcile", capsys)["data"]
    assert document["missing"] == lost
    assert document["days"][0] == {
        "day": "2026-03-01", "event_table": 5, "lake": 3, "missing": 2, "unknown": 0, "differs": 0, "late": 0
    }  # fmt: skip
    assert len(spans_of(document["missing"])) == 2


@pytest.mark.parametrize(("settle", "compared"), [("0", 2), ("240", 1), ("300", 0)])
def test_what_is_on_its_way_is_left_out(
    settle: str, compared: int, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """At 12:30: the third day's events are of 08:00 and 09:00."""
    assert run("--settle", settle, "--json") == 0
    days = {day["day"]: day["event_table"] for day in printed("reconcile", capsys)["data"]["days"]}
    assert days.get("2026-03-03", 0) == compared


@pytest.mark.parametrize("kind", [UnavailableError, QueryFailedError, PlaceError])
def test_what_could_not_be_read_is_neither_equal_nor_different(
    kind: type[Exception], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(error=kind("it fails.")) == 3
    assert capsys.readouterr().err == "daybook reconcile: it fails.\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--to", "2026-02-28"], "not 2026-03-01 to 2026-02-28"),
        (["--to", "2026-03-04"], "up to today"),
        (["--region", "eu-west-1"], "--region goes with --env"),
        (["--environment-file", "nowhere.json"], "is the system running?"),
    ],
)
def test_wrong_usage(
    arguments: list[str], complaint: str, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--to", "soon"], ["--settle", "-1"], ["--settle", "1.5"], ["--settle", "9" * 14], ["--settle", "9" * 5000]],
)
def test_a_value_that_is_none(arguments: list[str], run: Callable[..., int]) -> None:
    assert run(*arguments) == 2
