"""The deployed projectors: from a command over HTTP to its place in a read model, and what stops on the way.

Every test works on accounts of its own and leaves all of them folded to their end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.environments.place import Place
from cli.projections.models import Model, open_meter, open_models
from lambdas.contracts.domain_events import encode_domain_event
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from lambdas.projections.lag import Lag
from lambdas.projections.read_model import AccountRow
from local.emulator import aws
from local.example.client import Client
from local.machine.environment import Environment
from tests.e2e.waiting import eventually
from tests.support.event_rows import row
from tests.support.kinesis_events import kinesis_record, line, unreadable

pytestmark = pytest.mark.alone

LAG_HANDLER = "lambdas.handlers.projection_lag.handler"


class Daybook:
    """The deployed system, as its clients and its operators reach it."""

    def __init__(self, environment: Environment, file: Path) -> None:
        self.functions = aws.client(environment, "lambda")
        self.client = Client(environment)
        place = Place("local", file, environment.region, environment.aws_endpoint_url)
        self.models = open_models(place)
        self.events = DomainEventReader(
            DynamoDBEventStore(aws.client(environment, "dynamodb"), event_table=environment.event_table)
        )
        self.meter = open_meter(place)

    def account(self, credited: int) -> str:
        """A new account with so many events after its first."""
        account_id: str = self.client.post("/accounts", {"currency": "EUR"}, expected=201).body["account_id"]
        self.credit(account_id, credited)
        return account_id

    def credit(self, account_id: str, times: int) -> None:
        for _ in range(times):
            self.client.post(f"/accounts/{account_id}/credit", {"amount": 5}, expected=200)

    def row(self, model: Model, account_id: str) -> AccountRow[Any]:
        """The account's row in the live generation; an empty one if there is none."""
        return model.rows.load(model.control.read().live, account_id, Deadline())

    def folded(self, account_id: str, version: int) -> None:
        """Wait until every read model has the account at a version."""

        def there(model: Model) -> bool:
            return self.row(model, account_id).gate.version == version

        for model in self.models.values():
            eventually(partial(there, model), f"version {version} of {account_id} in {model.name}")

    def invoke(self, name: str, event: Any) -> tuple[bool, Any]:
        """Whether a function went well, and what it answered."""
        answer = self.functions.invoke(FunctionName=name, Qualifier="live", Payload=json.dumps(event).encode())
        return "FunctionError" not in answer, json.loads(answer["Payload"].read())

    def measured(self, model: Model) -> Lag:
        """What the deployed function measures now."""
        pages = self.functions.get_paginator("list_functions").paginate()
        [found] = [each for page in pages for each in page["Functions"] if each["Handler"] == LAG_HANDLER]
        before = format_timestamp(utc_now())
        assert self.invoke(found["FunctionName"], {})[0]
        lag = model.positions.lag()
        assert lag is not None
        assert lag.measured_at >= before
        return lag

    @contextmanager
    def without_stream(self, model: Model) -> Iterator[None]:
        """The stream does not reach the projector meanwhile."""
        [mapping] = self.functions.list_event_source_mappings(FunctionName=f"{model.projector}:live")[
            "EventSourceMappings"
        ]
        self.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        try:
            yield
        finally:
            self.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


@pytest.fixture
def daybook(environment: Environment, tmp_path: Path) -> Iterator[Daybook]:
    file = tmp_path / "environment.json"
    environment.save(file)
    found = Daybook(environment, file)
    yield found
    found.client.close()


@pytest.fixture
def summaries(daybook: Daybook) -> Model:
    return daybook.models["account_summaries"]


def poison(account_id: str, version: int) -> bytes:
    """The line of an event of a type that no release knows, booked now."""
    now = format_timestamp(utc_now())
    return unreadable(row(version, stream_id=account_id)).replace(b"2026-03-01T09:30:00.250Z", now.encode())


def delivered(*lines: bytes) -> dict[str, Any]:
    """An event of Lambda's for the projector. It does not say where it stood in the stream, and moves no position."""
    return {"Records": [kinesis_record(lines) | {"eventID": ""}]}


def test_commands_reach_every_read_model(daybook: Daybook, summaries: Model) -> None:
    account_id = daybook.account(3)
    daybook.folded(account_id, 4)
    kept = daybook.row(summaries, account_id).kept
    assert kept is not None
    assert (kept.status, kept.balance, kept.events) == ("open", 15, 4)
    answered = daybook.client.get(f"/accounts/{account_id}").body
    assert kept.last_activity_at == answered["updated_at"]
    for model in daybook.models.values():
        assert eventually(model.positions.all, f"a position of {model.name}")


def test_an_account_that_stops_holds_up_no_other_and_goes_on_when_it_is_retried(
    daybook: Daybook, summaries: Model
) -> None:
    stopped, other = daybook.account(1), daybook.account(1)
    for each in (stopped, other):
        daybook.folded(each, 2)
    assert daybook.invoke(summaries.projector, delivered(poison(stopped, 3))) == (True, {})
    gate = daybook.row(summaries, stopped).gate
    assert gate.version == 2
    assert "BalanceGuessed" in gate.stopped
    daybook.credit(stopped, 2)
    daybook.credit(other, 2)
    daybook.folded(other, 4)
    assert daybook.row(summaries, stopped).gate == gate
    assert daybook.measured(summaries).stopped >= 1
    assert stopped in {each.account_id for each in summaries.stopped(summaries.control.read().live)}

    answer = daybook.invoke(summaries.projector, {"retry": [stopped]})
    assert answer == (True, {"retried": {stopped: {"version": 4, "stopped": ""}}})
    daybook.folded(stopped, 4)
    assert stopped not in {each.account_id for each in summaries.stopped(summaries.control.read().live)}


def test_a_line_of_no_account_is_raised_after_the_others_are_folded(daybook: Daybook, summaries: Model) -> None:
    account_id = daybook.account(1)
    daybook.folded(account_id, 2)
    with daybook.without_stream(summaries):
        daybook.credit(account_id, 1)
        [newest] = daybook.events.read(account_id, after=2)
        lines = (b"{", encode_domain_event(newest), line(row(3, stream_id=account_id), subject="nobody"))
        well, answer = daybook.invoke(summaries.projector, delivered(*lines))
        assert not well
        assert "2 lines cannot be read" in answer["errorMessage"]
        assert daybook.row(summaries, account_id).gate.version == 3


def test_the_lag_is_measured_while_the_stream_does_not_reach_a_projector(daybook: Daybook, summaries: Model) -> None:
    totals = daybook.models["daily_totals"]
    account_id = daybook.account(0)
    daybook.folded(account_id, 1)
    eventually(lambda: daybook.measured(summaries).events == 0, "nothing to wait")
    with daybook.without_stream(summaries):
        daybook.credit(account_id, 5)
        lag = eventually(lambda: _waits(daybook.measured(summaries), 5), "five events that wait")
        assert lag.seconds > 0
        assert not lag.more
        found = daybook.meter.measure(summaries, Deadline(30))
        assert found is not None
        assert found.events == lag.events
        eventually(lambda: daybook.measured(totals).events == 0, "the other read model to have them")
    daybook.folded(account_id, 6)
    eventually(lambda: daybook.measured(summaries).events == 0, "nothing to wait")
    assert daybook.measured(summaries).seconds == 0


def _waits(lag: Lag, events: int) -> Lag | None:
    return lag if lag.events >= events else None
