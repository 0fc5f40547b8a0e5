"""`daybook projections status`: lag, stopped accounts and rebuilds, once and again and again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cli.projections import following
from lambdas.projections.errors import StreamUnavailableError
from lambdas.projections.lag import Lag
from lambdas.projections.segments import Segment
from tests.support.envelopes import printed
from tests.unit.cli.projections.world import ACCOUNTS, AT, SUMMARIES, TOTALS, World

A, B, *_ = ACCOUNTS
NOTHING = Lag(events=0, seconds=0.0, measured_at=AT)


def test_all_is_well(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (SUMMARIES, TOTALS):
        world.built(name)
    world.meter.lags = {SUMMARIES: NOTHING, TOTALS: Lag(events=2000, seconds=61.2, measured_at=AT, more=True)}
    assert world.run("status") == 0
    assert capsys.readouterr().out.splitlines() == [
        "PROJECTION         STATE  LIVE  NEXT  KEPT  LAG                  STOPPED",
        "account_summaries  live   1     -     -     0 events, 0 s        0",
        "daily_totals       live   1     -     -     2,000 events+, 62 s  0",
    ]


def test_what_needs_somebody(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.building(3, live=2, rebuild="it")
    world.stop(2, A)
    world.stop(3, B, version=4)
    for number, done in ((0, True), (1, False)):
        world.models[SUMMARIES].segments.save(
            Segment(generation=3, number=number, rebuild="it", rows=700, read_units=1.5, write_units=9.0, done=done)
        )
    world.meter.lags = {SUMMARIES: NOTHING}
    assert world.run("status", "--json") == 1
    document = printed("projections", capsys)
    assert (
        document["problem"]["detail"] == "2 accounts of account_summaries are stopped. daily_totals has not been built."
    )
    assert document["data"]["projections"][0]["rebuild"] == {
        "name": SUMMARIES, "generation": 3, "rebuild": "it", "state": "walking", "segments": 2, "segments_done": 1,
        "events": 1400, "read_units": 3.0, "write_units": 18.0,
    }  # fmt: skip
    assert world.run("status", SUMMARIES) == 1
    assert capsys.readouterr().out.splitlines() == [
        "PROJECTION         STATE       LIVE  NEXT  KEPT  LAG            STOPPED",
        "account_summaries  rebuilding  2     3     -     0 events, 0 s  2",
        "account_summaries: walking, 1 of 2 segments, 1,400 events (it)",
        f"{A}  STOPPED in generation 2 after version 7: It is poison.",
        f"{B}  STOPPED in generation 3 after version 4: It is poison.",
        "after a fix: daybook projections retry account_summaries --all --env prod",
    ]
    assert world.run("status", TOTALS) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "daily_totals  not-built  -     -     -     -    0",
        "build it: daybook projections rebuild daily_totals --env prod",
    ]


def test_a_stream_that_does_not_answer(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def silent(*_: object) -> Any:
        raise StreamUnavailableError("shard-1: throttled")

    world.built()
    monkeypatch.setattr(world.meter, "measure", silent)
    assert world.run("status", SUMMARIES) == 3
    assert capsys.readouterr().err == (
        "daybook projections: The stream could not be read: shard-1: throttled. Try again.\n"
    )


class Ends:
    """Sleeps some times, then is interrupted."""

    def __init__(self, times: int) -> None:
        self.times = times

    def __call__(self, seconds: float) -> None:
        assert seconds == following.SECONDS
        self.times -= 1
        if not self.times:
            raise KeyboardInterrupt


def test_following_in_a_pipe(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It goes on when something does not answer for a while."""
    world.built()
    world.meter.lags = {SUMMARIES: NOTHING}
    answers = iter([None, StreamUnavailableError("shard-1: throttled"), None])
    measure = world.meter.measure

    def now_and_then(*words: Any) -> Lag | None:
        if (error := next(answers)) is not None:
            raise error
        return measure(*words)

    monkeypatch.setattr(world.meter, "measure", now_and_then)
    monkeypatch.setattr("cli.projections.following.sleep", Ends(3))
    assert world.run("status", SUMMARIES, "--follow") == 130
    said = [re.sub(r"^\S{20}  ", "", line) for line in capsys.readouterr().out.splitlines()]
    row = "account_summaries  live   1     -     -     0 events, 0 s  0"
    assert [said[1], said[2], said[4]] == [row, "The stream could not be read: shard-1: throttled. Try again.", row]
