"""A budget that is missed fails the benchmark; its table stays whole, and a program can read it."""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from benchmarks import program, projections, publisher, rebuilds, warm_request
from benchmarks.report import Row, at_least, at_most, show
from lambdas.eventsourcing.table_walk import WalkedPage
from lambdas.projections.estimate import Estimate
from lambdas.projections.folding import steps
from lambdas.publishing.kinesis import KinesisSender
from lambdas.publishing.packing import Limits


class Part:
    """A part of the benchmark that measured one thing."""

    __name__ = "benchmarks.part"

    def __init__(self, met: bool | None) -> None:
        self._met = met

    def measure(self) -> Iterator[Row]:
        yield Row(group="part", name="thing", value=7, unit="ratio", budget=None, met=self._met)


@pytest.mark.parametrize(("met", "status"), [([None, True], 0), ([True, False, None], 1), ([False], 1)])
def test_the_exit_code_says_whether_every_budget_is_met(met: list[bool | None], status: int, tmp_path: Path) -> None:
    result = tmp_path / "benchmark.json"
    assert program.main([Part(each) for each in met], result) == status
    assert [row["met"] for row in msgspec.json.decode(result.read_bytes())] == met


LONG = Row(
    group="a group with a name of its own", name="a name that is longer than " + "half of a narrow pipe " * 3, value=7,
    unit="events/CPU s", budget="≤ 1, 4 WCU, 2 RCU", met=True, note="a note that says how it was measured, and of what",
)  # fmt: skip


@pytest.mark.parametrize("terminal", [True, False])
def test_the_table_breaks_no_text_however_narrow_the_output_is(terminal: bool) -> None:
    printed = io.StringIO()
    show([LONG], Console(file=printed, width=80, force_terminal=terminal))
    lines = printed.getvalue().splitlines()
    [line] = [each for each in lines if LONG.name in each]
    assert all(str(text) in line for text in (LONG.unit, LONG.budget, "met", LONG.note))
    assert any(LONG.group in each for each in lines)
    assert len(lines) == 5, "title, headings, rule, group and row"


def test_as_json_standard_output_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = tmp_path / "benchmark.json"
    assert program.main([Part(True), Part(False)], result, as_json=True) == 1
    printed = capsys.readouterr()
    assert printed.out.encode() == result.read_bytes()
    assert [row["met"] for row in msgspec.json.decode(printed.out)] == [True, False]
    assert "missed" in printed.err


def test_all_parts_are_run() -> None:
    """A part that nobody runs meets every budget. Read, not imported: some parts are heavy."""
    folder = Path(program.__file__).parent
    parts = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__", "program", "report"}
    [listed] = re.findall(r"^PARTS = \((.*?)\)", (folder / "__main__.py").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"\w+", listed)) == parts


def test_bounds_include_the_budget_itself() -> None:
    assert [at_least(value, 450)[1] for value in (449.9, 450)] == [False, True]
    assert [at_most(value, 5)[1] for value in (5, 5.1)] == [True, False]


@pytest.mark.parametrize(("records", "met"), [(500, True), (450, True), (449, False)])
def test_calls_that_are_not_full_miss_the_publishers_budget(
    records: int, met: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher, "_rate", lambda _: 1.0)
    monkeypatch.setattr(publisher, "KinesisSender", partial(KinesisSender, limits=Limits(call_records=records)))
    [fullness] = [row for row in publisher.measure() if row.name == "records in the emptiest call"]
    assert (fullness.value, fullness.met) == (records, met)


def test_a_warm_request_adds_little_to_the_put_of_its_row() -> None:
    """Counted in calls of functions, which no other program on the machine changes, by the same client.

    As a time the ratio is larger, since our calls do more each; `make bench` measures it.
    """
    with warm_request.contenders() as works:
        request, put = calls(works.request), calls(works.own_put)
    assert put < request <= 1.45 * put


def test_the_time_of_a_warm_request_has_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_request, "ROUNDS", 1)
    for nanoseconds, met in ((1_600, True), (1_601, False)):
        monkeypatch.setattr(warm_request, "_round", lambda _, spent=nanoseconds: [spent, 900, 1_000])
        *_, ratio = warm_request.measure()
        assert (ratio.value, ratio.met) == (nanoseconds / 1_000, met)


def test_a_batch_of_one_account_takes_one_request_more_only_when_its_row_is_not_remembered() -> None:
    rows = list(projections._shares())
    assert len(rows) == 2 * 3
    assert all(row.met for row in rows), [row for row in rows if not row.met]
    assert {row.value for row in rows if row.name.endswith("warm")} == {1}


def test_a_batch_that_is_written_event_by_event_misses_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "STEP_EVENTS", 1)
    assert not any(row.met for row in projections._shares())


def test_folding_that_takes_more_than_three_times_what_decoding_takes_misses_its_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(projections, "ROUNDS", 1)
    monkeypatch.setattr(projections, "_decoded", lambda _: 1.0)
    for seconds, met in ((3.0, True), (3.1, False)):
        monkeypatch.setattr(projections, "_folded", lambda *_, spent=seconds: spent)
        ratios = [row for row in projections._rates() if row.budget]
        assert [row.met for row in ratios] == [met] * 4


def test_a_rebuild_takes_no_more_units_than_it_is_said_to_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilds, "ROUNDS", 1)
    units = [row for row in rebuilds._rebuilds() if row.budget]
    assert [row.met for row in units] == [True] * 4
    monkeypatch.setattr(rebuilds, "estimate", lambda *_, **__: Estimate(2_000, 1, read_units=200, write_units=300))
    assert [row.met for row in rebuilds._rebuilds() if row.budget] == [False] * 4


def test_a_rebuild_that_keeps_what_it_has_walked_misses_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilds, "SMALL", 1_000)
    monkeypatch.setattr(rebuilds, "LARGE", 5_000)
    monkeypatch.setattr(rebuilds, "OF_ACCOUNTS", 100)
    assert rebuilds._flat().met
    kept, page = [], rebuilds._Walk.page

    def keeping(self: rebuilds._Walk, *args: Any) -> WalkedPage:
        kept.append(page(self, *args))
        return kept[-1]

    monkeypatch.setattr(rebuilds._Walk, "page", keeping)
    assert not rebuilds._flat().met


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, those written in C as well, once everything is warm."""
    counted: Counter[str] = Counter()
    for _ in range(3):
        work()
    sys.setprofile(lambda _frame, event, _argument: counted.update([event]))
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted["call"] + counted["c_call"]
