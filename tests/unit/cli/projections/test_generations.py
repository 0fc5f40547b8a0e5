"""`daybook projections list`, `switch`, `rollback` and `drop`: the generations of a read model."""

from __future__ import annotations

import io
import json
import re
import threading

import pytest

from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from lambdas.projections.control import Control
from lambdas.projections.lag import Lag
from lambdas.projections.reading.reader import FORGOTTEN_SECONDS
from tests.support.envelopes import check
from tests.unit.cli.projections.world import ACCOUNTS, SUMMARIES, TOTALS, World

A, B, C, *_ = ACCOUNTS


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found = json.loads(capsys.readouterr().out)
    check("projections", found)
    return dict(found)


def test_the_list_says_what_there_is(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.building(3, live=2)
    now = format_timestamp(utc_now())
    world.models[SUMMARIES].positions.save_lag(Lag(events=1234, seconds=2.1, measured_at=now, more=True))
    assert world.run("list") == 0
    assert [re.sub(r"\d s ago", "0 s ago", line) for line in capsys.readouterr().out.splitlines()] == [
        "PROJECTION         STATE       LIVE  NEXT  KEPT  LAG",
        "account_summaries  rebuilding  2     3     -     1,234 events+, 3 s (0 s ago)",
        "daily_totals       not-built   -     -     -     not measured yet",
    ]
    assert world.run("list", "--json") == 0
    data = document(capsys)["data"]
    assert isinstance(data, dict)
    assert data["projections"][0]["standing"] == {
        "name": SUMMARIES, "state": "rebuilding", "live": 2, "building": 3, "previous": 0, "rebuild": "dead"
    }  # fmt: skip


def test_a_switch_and_the_way_back(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.building(2, "built")
    assert world.run("switch", SUMMARIES) == 0
    assert world.control() == Control(live=2, previous=1, newest=2)
    assert capsys.readouterr().out.splitlines() == [
        "account_summaries: generation 2 is live, and generation 1 is kept. Readers see it within 10 s.",
        "back:    daybook projections rollback account_summaries --env prod",
        "or drop: daybook projections drop account_summaries --env prod",
    ]
    assert world.run("rollback", SUMMARIES, "--json") == 0
    assert world.control() == Control(live=1, previous=2, newest=2)
    assert document(capsys)["data"] == {
        "action": "switch",
        "standing": {"name": SUMMARIES, "state": "live", "live": 1, "building": 0, "previous": 2, "rebuild": ""},
    }
    assert world.control(TOTALS) == Control()


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        ("switch", "No generation is built: `rebuild` builds one."),
        ("rollback", "No earlier generation is kept."),
    ],
)
def test_what_is_not_there_is_not_switched_to(
    world: World, action: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.built()
    assert world.run(action, SUMMARIES) == 1
    assert capsys.readouterr().err == f"daybook projections: {sentence}\n"
    world.building(2, "settling")
    assert world.run("switch", SUMMARIES) == 1
    assert world.control().live == 1


def test_a_switch_that_somebody_else_was_quicker_than(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.building(2, "built")
    read = world.models[SUMMARIES].control.read

    def late() -> Control:
        found = read()
        world.models[SUMMARIES].control.change(found, found.dropped())
        return found

    monkeypatch.setattr(world.models[SUMMARIES].control, "read", late)
    assert world.run("switch", SUMMARIES) == 1
    assert capsys.readouterr().err == (
        "daybook projections: Somebody else has changed the generations meanwhile: "
        "`daybook projections list --env prod` shows them.\n"
    )
    monkeypatch.undo()


def test_a_drop_deletes_what_is_not_named_and_nothing_else(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.building(5, "built", live=2)
    for generation in (1, 2, 4, 5):  # 1 and 4 were dropped before, and a projector was late
        for account in (A, B):
            world.save(generation, account)
    before = {key for key in world.items() if key.startswith(("2#", "control"))}
    assert world.run("drop", SUMMARIES, "--yes") == 0
    assert world.control() == Control(live=2, newest=5)
    assert world.items() == before
    assert capsys.readouterr().out == (
        "account_summaries: generation 5 is dropped, generation 2 stays live, 6 rows deleted\n"
    )
    assert world.slept == []  # what was never live was never read
    assert world.run("drop", SUMMARIES, "--yes", "--json") == 0
    assert world.slept == []
    assert document(capsys)["data"] == {
        "action": "drop",
        "standing": {"name": SUMMARIES, "state": "live", "live": 2, "building": 0, "previous": 0, "rebuild": ""},
        "generation": 0,
        "rows": 0,
    }


def test_what_was_live_is_deleted_when_nobody_reads_it_any_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.built(live=1, previous=2)
    world.save(2, A)
    kept = []
    monkeypatch.setattr(
        "cli.projections.dropping.sleep", lambda seconds: kept.append((seconds, world.control(), world.items()))
    )
    assert world.run("drop", SUMMARIES, "--yes") == 0
    ((seconds, control, keys),) = kept
    assert (seconds, control) == (FORGOTTEN_SECONDS, Control(live=1, newest=2))
    assert f"2#{A}/account" in keys
    assert f"2#{A}/account" not in world.items()


def test_ctrl_c_before_that_deletes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It reaches the main thread only: whoever waits elsewhere hears nothing of it, and goes on."""
    world.built(live=1, previous=2)
    world.save(2, A)
    waiting = []

    def interrupted(_: float) -> None:
        waiting.append(threading.current_thread() is threading.main_thread())
        raise KeyboardInterrupt

    for _ in range(2):  # dropping it, and what is left of it
        with monkeypatch.context() as patched:
            patched.setattr("cli.projections.dropping.sleep", interrupted)
            assert world.run("drop", SUMMARIES, "--yes") == 130
        assert f"2#{A}/account" in world.items()
    assert waiting == [True, True]
    assert world.run("drop", SUMMARIES, "--yes") == 0
    assert f"2#{A}/account" not in world.items()
    assert world.slept == [FORGOTTEN_SECONDS]


def test_a_generation_that_begins_while_rows_are_deleted_is_left_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.built(live=1, previous=2)
    world.save(2, A)
    paginator = world.client.get_paginator

    def meanwhile(operation: str) -> object:
        world.building(3)
        world.save(3, A)
        return paginator(operation)

    monkeypatch.setattr(world.client, "get_paginator", meanwhile, raising=False)
    assert world.run("drop", SUMMARIES, "--yes") == 0
    assert {f"2#{A}/account", f"3#{A}/account"} & world.items() == {f"3#{A}/account"}


def test_the_rebuild_of_what_is_dropped_ends(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.built()
    assert world.run("rebuild", SUMMARIES, "--yes", "--no-wait") == 0
    (rebuild,) = world.states.inputs
    assert world.run("drop", SUMMARIES, "--yes") == 0
    assert world.states.ended[rebuild]["status"] == "ABORTED"
    assert world.control() == Control(live=1, newest=2)
    world.building(3)  # of which there is no execution
    assert world.run("drop", SUMMARIES, "--yes") == 0
    assert "generation 3 is dropped, generation 1 stays live, 0 rows deleted" in capsys.readouterr().out


def test_a_drop_that_was_killed_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.building(2, "built")
    for account in ACCOUNTS:
        world.save(2, account)
    with monkeypatch.context() as patched:
        patched.setattr("cli.projections.leftovers._delete", _killed)
        assert world.run("drop", SUMMARIES, "--yes") == 130
    assert world.control().generations == (1,)
    assert world.run("drop", SUMMARIES, "--yes") == 0
    assert world.slept == [FORGOTTEN_SECONDS]  # nobody knows when it was dropped
    assert not any(key.startswith("2#") for key in world.items())


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_is_not_processed_is_sent_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.building(2, "built")
    for account in ACCOUNTS:
        world.save(2, account)
    write, sent = world.client.batch_write_item, []

    def throttled(*, RequestItems: dict[str, list[object]], **words: object) -> dict[str, object]:  # noqa: N803
        ((name, requests),) = RequestItems.items()
        sent.append(len(requests))
        write(RequestItems={name: requests[:1]}, **words)
        return {"UnprocessedItems": {name: requests[1:]} if requests[1:] else {}}

    monkeypatch.setattr(world.client, "batch_write_item", throttled, raising=False)
    assert world.run("drop", SUMMARIES, "--yes") == 0
    assert len(sent) >= 5
    assert not any(key.startswith("2#") for key in world.items())


def test_nothing_is_dropped_without_an_answer(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.building(2, "built")
    assert world.run("drop", SUMMARIES) == 2
    assert capsys.readouterr().err == "daybook projections: Nobody can be asked here: give --yes.\n"
    assert world.control().generations == (1, 2)


@pytest.mark.parametrize(("answer", "status", "left"), [("n\n", 2, (1, 2)), ("y\n", 0, (1,))])
def test_a_person_is_asked_with_the_number(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, status: int,
    left: tuple[int, ...],
) -> None:  # fmt: skip
    world.built(live=1, previous=2)
    monkeypatch.setattr("sys.stdin", Typed(answer))
    assert world.run("drop", SUMMARIES) == status
    said = capsys.readouterr().err
    assert "Drop generation 2 of account_summaries? There is no way back to it. Generation 1 stays live. [y/N]" in said
    assert world.control().generations == left


class Typed(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True
