"""`daybook projections compare`: from a rebuild by the real steps to a difference in each kind of row."""

from __future__ import annotations

import pytest

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.dynamodb import table
from lambdas.projections.lag import Lag
from lambdas.projections.read_model import Gate
from tests.support.dynamodb_tables import store_on
from tests.support.envelopes import printed
from tests.unit.cli.projections.world import ACCOUNTS, AT, SUMMARIES, TOTALS, World

A, B, C, D, E = ACCOUNTS
"""The first three have two events each."""


@pytest.fixture(autouse=True)
def _built(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Generation 1 of both is live, and nothing waits in the stream."""
    monkeypatch.setattr("cli.projections.comparing.open_store", lambda _: store_on(world.client, world.tables))
    world.fill()
    world.states.works = world.really_walk
    world.meter.lags = dict.fromkeys((SUMMARIES, TOTALS), Lag(events=0, seconds=0.0, measured_at=AT))
    assert world.run("rebuild", "--all", "--yes") == 0


def test_what_was_built_is_equal(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert world.run("compare", SUMMARIES) == 0
    assert world.run("compare", TOTALS, "--segments", "2") == 0
    assert capsys.readouterr().out.splitlines() == [
        "account_summaries: generation 1, 3 accounts compared with 6 events: equal",
        "daily_totals: generation 1, 3 accounts and 1 shared row compared with 6 events: equal",
    ]


def test_differences_are_named_and_counted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    row = world.models[SUMMARIES].rows.load(1, A, Deadline())
    world.save(1, A, row.gate)  # what is kept is another
    world.save(1, E)
    world.stop(1, B, version=2)
    capsys.readouterr()
    assert world.run("compare", SUMMARIES) == 1
    *differences, verdict, stopped = capsys.readouterr().out.splitlines()
    assert sorted(line.partition(": ")[0] for line in differences) == [
        f"{A}  is not the fold of its events",
        f"{B}  has a gate that is no event of its history",
        f"{E}  has a row and no events",
    ]
    assert verdict == "account_summaries: generation 1, 3 accounts compared with 6 events: 3 differences"
    assert stopped == "  1 account stopped: compared up to where they stand"
    assert world.run("compare", SUMMARIES, "--json") == 1
    document = printed("projections", capsys)
    assert document["problem"]["detail"] == "account_summaries, generation 1: 3 differences."
    assert document["data"]["name"] == SUMMARIES
    assert document["data"]["compared"]["differences"] == {"gate": 1, "kept": 1, "superfluous": 1}


def test_a_shared_row_that_is_not_the_sum(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.client.put_item(
        TableName=world.models[TOTALS].table,
        Item={**table.shared_key(1, D, "EUR#2026-03-01"), "credits": {"N": "1"}},
    )
    capsys.readouterr()
    assert world.run("compare", TOTALS) == 1
    difference, verdict = capsys.readouterr().out.splitlines()
    assert difference.startswith("EUR#2026-03-01  is not the sum of the accounts' shares: expected {")
    assert verdict.endswith("compared with 6 events: 1 difference")


def test_which_generation(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The one of the options, else the one that is built, else the live one."""
    assert world.run("rebuild", SUMMARIES, "--yes") == 0
    world.save(1, E, Gate(version=1, rowhash="h", recordedtime=AT))
    capsys.readouterr()
    assert world.run("compare", SUMMARIES) == 0
    assert "generation 2, 3 accounts" in capsys.readouterr().out
    assert world.run("compare", SUMMARIES, "--generation", "1") == 1
    capsys.readouterr()
    assert world.run("compare", SUMMARIES, "--generation", "3") == 1
    assert capsys.readouterr().err == ("daybook projections: account_summaries has no generation 3: there are 1, 2.\n")


def test_what_was_never_built(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.put(world.control().__class__())
    assert world.run("compare", SUMMARIES) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "daybook projections: account_summaries has not been built: "
        "`daybook projections rebuild account_summaries --env prod` builds it."
    )
