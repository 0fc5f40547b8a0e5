"""Rebuilds of the deployed read models: an operator's commands, and runs that die at a given moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cli.app import main
from cli.environments.place import Place
from cli.errors import ExitStatus
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.table_walk import DynamoDBTableWalk
from lambdas.projections.control import Building, Control
from lambdas.projections.dynamodb.read_model import ReadModelTable, open_table
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.rebuild import Rebuild, SettleStep, WalkStep
from lambdas.projections.registry import projection
from local.emulator import aws
from local.machine.environment import Environment
from tests.e2e.read_models import PROJECTIONS, Both, items, reference, stored
from tests.e2e.waiting import eventually

SEGMENTS = 3
PATIENCE = 5
"""Attempts of a command, while nobody answers it: the emulator has one process for everything."""


class DiedError(BaseException):
    """The process ends here."""


class Dying:
    """A low-level client that passes calls on until the one that it dies before, or after which it dies."""

    def __init__(self, client: Any, last: Callable[[str, dict[str, Any]], bool], *, after: bool) -> None:
        self._client = client
        self._last = last
        self._after = after

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def dying(**request: Any) -> Any:
            is_last = self._last(name, request)
            if is_last and not self._after:
                raise DiedError
            answer = call(**request)
            if is_last:
                raise DiedError
            return answer

        return dying


class ReadModels:
    """Both read models of a deployed system, as operators and intruders reach them."""

    def __init__(self, environment: Environment, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.environment = environment
        self.dynamodb, self.states = (aws.client(environment, name) for name in ("dynamodb", "stepfunctions"))
        self._file = file
        self._capsys = capsys
        outputs = Place("local", file, environment.region, environment.aws_endpoint_url).outputs("Projections")
        self.tables = {each: outputs[f"{_pascal(each)}TableName"] for each in PROJECTIONS}
        self.machines = {each: outputs[f"{_pascal(each)}RebuildArn"] for each in PROJECTIONS}

    def run(self, *words: str) -> dict[str, Any]:
        """An operator's command, which must succeed, and is repeated where it says that it may be; its data."""
        for _ in range(PATIENCE):
            status, said = self.attempt(*words)
            if status != ExitStatus.UNAVAILABLE:
                break
        assert status == 0, said
        data: dict[str, Any] = json.loads(said)["data"]
        return data

    def rebuild(self, name: str) -> str:
        """Start a rebuild, or go on with one, and wait until it is built. How the command says that it began."""
        status, said = self.attempt("rebuild", name, "--yes")
        assert status in {ExitStatus.OK, ExitStatus.UNAVAILABLE}, said
        eventually(lambda: self.is_built(name), f"{name} to be built", every=1.0)
        return str(json.loads(said)["data"]["rebuilds"][0]["how"]) if status == ExitStatus.OK else ""

    def is_built(self, name: str) -> bool:
        """Whether nothing is left to do of the generation that is built."""
        building = self.control(name).building
        return building is None or building.state == "built"

    def attempt(self, *words: str) -> tuple[int, str]:
        """An operator's command: its exit status and what it printed, errors after the rest."""
        self._capsys.readouterr()
        status = main(["projections", *words, "--json", "--environment-file", str(self._file)])
        said = self._capsys.readouterr()
        return status, said.out or said.err

    def control(self, name: str) -> Control:
        """The control row as it is."""
        return self.table(name).control.read()

    def table(self, name: str, client: Any = None) -> ReadModelTable[Any]:
        """A projection's table, behind a client of one's own."""
        return open_table(client or self.dynamodb, self.tables[name], projection(name))

    def begin(self, name: str) -> Building:
        """What the command does first: the control row says that a rebuild walks. Its execution is not started."""
        control = self.table(name).control
        before = control.read()
        rebuild = f"{name.replace('_', '-')}-{before.newest + 1}-died-{uuid4().hex[:4]}"
        after = before.started(rebuild, segments=SEGMENTS, at="2026-03-01T09:30:00.000Z")
        control.change(before, after)
        assert after.building is not None
        return after.building

    def work(self, name: str, building: Building, client: Any, *, settle: bool = False) -> None:
        """All steps of a rebuild but the last, or with `settle` all of them, in this process, through a client."""
        table = self.table(name, client)
        store = DynamoDBEventStore(client, event_table=self.environment.event_table)
        folder = AccountFolder(projection(name), table, DomainEventReader(store))
        events = self.environment.event_table
        walk = DynamoDBTableWalk(client, event_table=events)
        rebuild = Rebuild(walk, folder, table, table.control, table.segments, event_table=events, workers=1)
        whose = building.generation, building.rebuild
        for segment in range(building.segments):
            step = WalkStep(*whose, segment=segment, segments=building.segments)
            while not rebuild.walk(step, Deadline(60), Deadline(60)).done:
                pass
        while settle and not rebuild.settle(SettleStep(*whose), Deadline(60), Deadline(60)).done:
            pass

    def alone(self, name: str) -> None:
        """The live generation stands alone from here on. Rows of another are left behind, since `drop` waits long."""
        control = self.table(name).control
        before = control.read()
        if before.building or before.previous:
            control.change(before, before.dropped())

    def truth(self) -> Both:
        """What the event table adds up to now."""
        return reference(items(self.environment, self.environment.event_table))

    def held(self) -> Both:
        """What the live generations hold."""
        return stored(self.environment, self.tables, {each: self.control(each).live for each in PROJECTIONS})

    def at_rest(self, name: str, generation: int, truth: Both) -> Both:
        """What a generation holds, once it has every event of every account that is not stopped."""

        def whole() -> Both | None:
            found = stored(self.environment, self.tables, {name: generation})
            versions, stopped = found.versions[name], found.stopped[name]
            behind = (each for each, version in truth.versions[name].items() if versions.get(each) != version)
            return None if any(each not in stopped for each in behind) else found

        what = f"generation {generation} of {name} to have every event"
        found: Both = eventually(whole, what, every=1.0)
        return found


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))
