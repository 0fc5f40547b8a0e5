"""An environment with two read models on moto's DynamoDB; state machine and projector do as they are told."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from cli.app import main
from cli.aws import AWS
from cli.environments.place import Place
from cli.projections.executions import Executions
from cli.projections.models import Model, Models, prefix
from lambdas.accounts.commands import AccountCommand, CreditAccount, OpenAccount
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.table_walk import DynamoDBTableWalk
from lambdas.projections.account_summaries import AccountSummary
from lambdas.projections.control import Building, Control
from lambdas.projections.dynamodb.read_model import open_table
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.lag import Lag
from lambdas.projections.read_model import AccountRow, Gate
from lambdas.projections.rebuild import Rebuild, SettleStep, WalkStep
from lambdas.projections.registry import PROJECTIONS
from lambdas.projections.segments import Segment
from lambdas.projections.stream.measuring import LagMeter
from lambdas.service.account_service import CommandContext
from tests.support.bank import new_bank
from tests.support.dynamodb_tables import LockedClient, create_read_model_table, create_tables, store_on
from tests.support.event_rows import account_id
from tests.support.paging import dynamodb_paginator

SEGMENTS = 3
"""Of a new rebuild."""
ACCOUNTS = [account_id(number) for number in range(1, 6)]
COMMANDS: tuple[AccountCommand, ...] = (OpenAccount(currency="EUR"), CreditAccount(amount=5))
MACHINE = "arn:aws:states:eu-central-1:111122223333:stateMachine:Rebuild{prefix}"
SUMMARIES, TOTALS = "account_summaries", "daily_totals"
AT = "2026-03-01T09:30:00.000Z"


def refused(code: str, message: str = "It is.") -> ClientError:
    """What boto3 raises."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class States:
    """Step Functions: executions by name. `works` is called when a running one is asked for, and says how it stands."""

    def __init__(self) -> None:
        self.inputs: dict[str, dict[str, Any]] = {}
        self.ended: dict[str, dict[str, str]] = {}
        self.works: Callable[[str], None] = lambda _: None
        self.segments: dict[str, dict[str, str]] = {}
        """Those that have failed."""
        self.refuses = ""
        self.refuses_to_list = False

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: N803, A002
        if self.refuses:
            raise refused(self.refuses)
        given = {"machine": stateMachineArn, **msgspec.json.decode(input)}
        if name in self.ended or self.inputs.get(name, given) != given:
            raise refused("ExecutionAlreadyExists")
        self.inputs[name] = given
        return {}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        machine, _, name = executionArn.rpartition(":")
        if name in self.segments:
            return self.segments[name]
        if name not in self.inputs:
            raise refused("ExecutionDoesNotExist")
        assert machine.replace(":execution:", ":stateMachine:") == self.inputs[name]["machine"]
        if name not in self.ended:
            self.works(name)
        return {"executionArn": executionArn, **self.ended.get(name, {"status": "RUNNING"})}

    def list_map_runs(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        if self.refuses_to_list:
            raise refused("AccessDeniedException")
        return {"mapRuns": [{"mapRunArn": f"{executionArn}/run"}] if self.segments else []}

    def list_executions(self, *, mapRunArn: str, statusFilter: str, maxResults: int) -> dict[str, Any]:  # noqa: N803
        assert (mapRunArn[-4:], statusFilter, maxResults) == ("/run", "FAILED", 1)
        return {"executions": [{"executionArn": f"execution:{name}"} for name in self.segments]}

    def stop_execution(self, *, executionArn: str, cause: str) -> dict[str, Any]:  # noqa: N803
        name = executionArn.rpartition(":")[2]
        if name not in self.inputs:
            raise refused("ExecutionDoesNotExist")
        self.ended.setdefault(name, {"status": "ABORTED", "cause": cause})
        return {}


class Functions:
    """Lambda: `folds` is called for each account of a retry; `error` is what the projector fails with."""

    def __init__(self) -> None:
        self.invoked: list[tuple[str, list[str]]] = []
        self.folds: Callable[[str], None] = lambda _: None
        self.error: bytes = b""

    def invoke(self, *, FunctionName: str, Qualifier: str, InvocationType: str, Payload: bytes) -> Any:  # noqa: N803
        assert (Qualifier, InvocationType) == ("live", "RequestResponse")
        accounts = msgspec.json.decode(Payload)["retry"]
        self.invoked.append((FunctionName, accounts))
        if self.error:
            return {"Payload": io.BytesIO(self.error), "FunctionError": "Unhandled"}
        for each in accounts:
            self.folds(each)
        return {"Payload": io.BytesIO(b'{"retried": {}}')}


class Meter(LagMeter):
    """Says what it is told to."""

    def __init__(self) -> None:
        self.lags: dict[str, Lag | None] = {}

    def measure(self, table: Any, deadline: Deadline) -> Lag | None:
        del deadline
        return self.lags.get(table.name)


class Client(LockedClient):
    """moto's, with botocore's paginators."""

    def get_paginator(self, operation: str) -> Any:
        return dynamodb_paginator(self, operation)


class World(AWS):
    """The connections of a command to one environment."""

    def __init__(self, client: Any) -> None:
        self.client = Client(client)
        self.tables = create_tables(self.client)
        self.states, self.functions, self.meter = States(), Functions(), Meter()
        self.models: Models = {each.name: self._model(each) for each in PROJECTIONS}
        self.slept: list[float] = []

    def projections(self, place: Place) -> Models:
        del place
        return self.models

    def lag_meter(self, place: Place) -> LagMeter:
        del place
        return self.meter

    def outputs(self, stack: str) -> dict[str, str]:
        """Of a stack."""
        return {"Daybook-prod-Ledger": {"EventTableName": self.tables.events}}[stack]

    def run(self, *words: str) -> int:
        """The exit status of an action in prod."""
        return main(["projections", *words, "--env", "prod"], connections=self)

    def control(self, name: str = SUMMARIES) -> Control:
        return self.models[name].control.read()

    def put(self, control: Control, name: str = SUMMARIES) -> None:
        """Make it the control row."""
        self.models[name].control.change(self.control(name), control)

    def built(self, name: str = SUMMARIES, *, live: int = 1, previous: int = 0) -> None:
        """Some generation is live."""
        self.put(Control(live=live, previous=previous, newest=max(live, previous)), name)

    def building(self, generation: int, state: Any = "walking", *, rebuild: str = "dead", live: int = 1) -> Building:
        """A generation is being built, with two segments."""
        building = Building(generation=generation, rebuild=rebuild, segments=2, started_at=AT, state=state)
        self.put(Control(live=live, building=building, newest=generation))
        return building

    def save(self, generation: int, account: str, gate: Gate | None = None, name: str = SUMMARIES) -> None:
        """An account's row, whatever was there."""
        rows, gate = self.models[name].rows, gate or Gate(version=3, rowhash="h", recordedtime=AT)
        kept = SUMMARY if name == SUMMARIES else None
        before = rows.load(generation, account, Deadline())
        rows.save(generation, before, AccountRow(account, gate, kept), {}, Deadline())

    def stop(self, generation: int, account: str, reason: str = "It is poison.", version: int = 7) -> None:
        """An account is stopped."""
        self.save(generation, account, Gate(version=version, rowhash="h", recordedtime=AT, stopped=reason))

    def items(self, name: str = SUMMARIES) -> set[str]:
        """All items of a table, as `pk/sk`."""
        items = self.client.scan(TableName=self.models[name].table, ConsistentRead=True)["Items"]
        return {f"{item['pk']['S']}/{item['sk']['S']}" for item in items}

    def walk(self, name: str, rows: int = 10) -> None:
        """The rebuild with that id does all its segments and is built."""
        (model,) = (each for each in self.models.values() if name.startswith(each.name.replace("_", "-")))
        control = model.control.read()
        building = control.building
        assert building is not None
        for number in range(building.segments):
            model.segments.save(
                Segment(
                    generation=building.generation, number=number, rebuild=name, rows=rows, read_units=2.0,
                    write_units=3.0, done=True,
                )
            )  # fmt: skip
        settling = control.settling(name)
        model.control.change(control, settling)
        model.control.change(settling, settling.built(name))
        self.states.ended[name] = {"status": "SUCCEEDED"}

    def fill(self) -> None:
        """Three accounts with some events in the event table."""
        bank = new_bank(store_on(self.client, self.tables), lambda: datetime(2026, 3, 1, 9, 30, tzinfo=UTC))
        for account in ACCOUNTS[:3]:
            for number, command in enumerate(COMMANDS):
                bank.execute(command, account, CommandContext(f"{account[-2:]}-{number}", "correlation", "tests"))

    def really_walk(self, name: str) -> None:
        """The rebuild with that id does all that the deployed function does."""
        (model,) = (each for each in self.models.values() if name.startswith(each.name.replace("_", "-")))
        building = model.control.read().building
        assert building is not None
        folder = AccountFolder(model.projection, model.rows, DomainEventReader(store_on(self.client, self.tables)))
        walk = DynamoDBTableWalk(self.client, event_table=self.tables.events)
        rebuild = Rebuild(walk, folder, model.rows, model.control, model.segments)
        for segment in range(building.segments):
            step = WalkStep(building.generation, name, segment=segment, segments=building.segments)
            assert rebuild.walk(step, Deadline(), Deadline()).done
        assert rebuild.settle(SettleStep(building.generation, name), Deadline(), Deadline()).done
        self.states.ended[name] = {"status": "SUCCEEDED"}

    def _model(self, projection: Any) -> Model:
        name = create_read_model_table(self.client)
        found = open_table(self.client, name, projection)
        return Model(
            projection=projection,
            table=name,
            projector=f"projector-{projection.name}",
            rows=found,
            control=found.control,
            segments=found.segments,
            positions=found.positions,
            executions=Executions(self.states, MACHINE.format(prefix=prefix(projection.name))),
            dynamodb=self.client,
            functions=self.functions,
        )


SUMMARY = AccountSummary(
    status="open", currency="EUR", balance=5, overdraft_limit=0, opened_at=AT, last_activity_at=AT, events=3
)
