"""What `make run` shows of read models: the list, and a rebuild by the real steps while commands go on."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from rich.console import Console

from cli.environments.place import Place
from cli.projections.first_builds import begin
from lambdas.projections.lag import Lag
from local.example import read_models
from local.example.client import Answer, Client
from local.machine.errors import ExampleFailedError
from local.machine.progress import Progress
from stacks import environment
from tests.support.dynamodb_tables import moto_client, store_on
from tests.unit.cli.projections.world import ACCOUNTS, AT, SUMMARIES, World

A, B, *_ = ACCOUNTS
PLACE = Place("local", Path("environment.json"))
LOCAL = replace(environment.LOCAL, rebuild_segments=3, rebuild_concurrency=2)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A local system whose first generation is live, with three accounts at version 2."""
    monkeypatch.setattr(read_models, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr("cli.projections.first_builds.ENVIRONMENTS", {"local": LOCAL})
    with moto_client() as client:
        found = World(client)
        monkeypatch.setattr("cli.environments.place.stack_outputs", lambda *_: {"EventTableName": found.tables.events})
        monkeypatch.setattr("cli.projections.comparing.open_store", lambda _: store_on(client, found.tables))
        found.fill()
        found.states.works = found.really_walk
        found.meter.lags = {SUMMARIES: Lag(events=0, seconds=0.0, measured_at=AT)}
        begin(PLACE, found.models[SUMMARIES])
        found.really_walk(*found.states.inputs)
        yield found


class Api:
    """Answers as the API does: a read model reaches a version after some looks. Credits are counted."""

    def __init__(self, *, looks: int = 3, lag: str | None = "2;1") -> None:
        self.looks, self.lag, self.credits = looks, lag, 0

    def get(self, path: str, *, or_else: int = 200) -> Answer:
        if "min_version" in path:
            self.looks -= 1
            if self.looks > 0:
                assert or_else == 503
                return Answer(503, {}, {"type": "urn:daybook:problem:version-not-reached"})
        headers = {} if self.lag is None else {"daybook-lag": self.lag}
        account = {"account_id": A, "status": "open", "currency": "EUR", "balance": 7, "version": 2 + self.credits}
        return Answer(200, headers, {"accounts": [account], "next_cursor": None})

    def post(self, path: str, body: Mapping[str, object], *, expected: int) -> Answer:
        assert (path, body, expected) == (f"/accounts/{A}/credit", {"amount": 1}, 200)
        self.credits += 1
        return Answer(200, {}, {})


def shown(show: Any, *words: Any, **more: Any) -> list[str]:
    out = io.StringIO()
    show(*words, Progress(io.StringIO()), Console(file=out, width=80), **more)
    assert all(len(line) <= 80 for line in out.getvalue().splitlines())
    return out.getvalue().splitlines()


def test_the_list_waits_for_both_and_tells_the_lag() -> None:
    api = Api()
    said = shown(read_models.show_list, cast("Client", api), {A: 24, B: 2})
    assert api.looks < 0, "both were waited for"
    assert f"  {A}  open    EUR             7        2" in said
    assert "  Daybook-Lag: 2;1 (events it is behind; seconds)" in said
    assert "  no Daybook-Lag yet: it is measured every minute" in shown(
        read_models.show_list, cast("Client", Api(lag=None)), {}
    )


def test_a_read_model_that_stays_behind_fails_the_example() -> None:
    with pytest.raises(ExampleFailedError, match="has not reached version 24"):
        read_models.wait_for(cast("Client", Api(looks=10**6)), A, 24, patience=0.01)


def test_a_rebuild_compared_and_switched_to_while_commands_go_on(world: World) -> None:
    api = Api()
    said = shown(read_models.show_rebuild, cast("Client", api), PLACE, A, 2, connections=world)
    assert api.credits >= 5
    assert world.control().live == 2
    assert "  $ daybook projections rebuild account_summaries" in said
    assert "    3 accounts and 6 events: equal" in said
    assert "    generation 2 is live, the one before is kept for `rollback`" in said
    again = shown(read_models.show_rebuild, cast("Client", Api()), PLACE, A, 2, connections=world)
    assert "    generation 3 is live, the one before is kept for `rollback`" in again
    assert world.control().generations == (3, 2)


def test_a_difference_fails_the_example(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(name: str) -> None:
        world.really_walk(name)
        world.save(2, ACCOUNTS[4])

    world.states.works = spoilt
    with pytest.raises(ExampleFailedError, match="superfluous"):
        shown(read_models.show_rebuild, cast("Client", Api()), PLACE, A, 2, connections=world)
    assert world.control().live == 1


def test_a_rebuild_that_fails_is_a_sentence(world: World) -> None:
    world.states.works = lambda name: world.states.ended.update({name: {"status": "FAILED", "cause": "gone"}})
    with pytest.raises(ExampleFailedError, match=r"could not be built anew\. The rebuild .* ended as FAILED: gone"):
        shown(read_models.show_rebuild, cast("Client", Api()), PLACE, A, 2, connections=world)
