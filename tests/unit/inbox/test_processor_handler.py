"""The deployed processor: what it counts, what it logs, and when it raises."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambdas.composition.settings import SettingsError
from lambdas.eventsourcing.rows import Commit
from lambdas.inbox import table
from tests.support.command_world import FakeInbox
from tests.support.commands import Desk, command_item
from tests.support.event_rows import account_id
from tests.support.fake_dynamodb import client_error
from tests.support.function_modules import forgotten
from tests.support.function_variables import ACCOUNTS
from tests.support.lambda_context import Context

REPOSITORY = Path(__file__).parents[3]
MODULE = "lambdas.handlers.command_processor"
A, B = account_id(1), account_id(2)
OPEN = {"type": "OpenAccount", "currency": "EUR"}
SECRET = "nobody-reads-this"
CREDIT = {"type": "CreditAccount", "amount": 987654, "reference": SECRET}


class Function(Desk):
    """The handler's module over a desk."""

    def __init__(self, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        monkeypatch.setattr(module, "_processor", self.processor)
        self.incomplete: type[Exception] = module.ProcessingIncompleteError
        self.module = module

    def __call__(self, *records: dict[str, Any], milliseconds: int = 60_000) -> None:
        assert self.module.handler({"Records": list(records)}, Context(milliseconds)) is None


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The variables of the deployed function; its module is imported anew."""
    return forgotten(monkeypatch, MODULE, ACCOUNTS)


@pytest.fixture
def function(environ: pytest.MonkeyPatch) -> Function:
    """A function that was just started."""
    return Function(importlib.import_module(MODULE), environ)


def counted(text: str) -> dict[str, Any]:
    """Every metric that was written, by name, and its dimensions."""
    lines = [json.loads(line) for line in text.splitlines()]
    (metrics,) = [line for line in lines if "CommandsSucceeded" in line]
    return dict(metrics)


def test_it_processes_and_counts(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    opened = function.record(A, OPEN)
    function(opened)
    capsys.readouterr()
    function(opened, function.record(A, CREDIT), function.record(A, OPEN), function.record(B, b"{"))
    metrics = counted(capsys.readouterr().out)
    assert metrics["CommandsSucceeded"] == [1.0]
    assert metrics["CommandsRejected"] == [2.0]
    assert metrics["CommandsRepeated"] == [1.0]
    assert metrics["CommandsLeft"] == [0.0]
    assert (metrics["service"], metrics["environment"]) == ("daybook", "test")
    assert {record.levelname for record in caplog.records} == {"INFO"}
    assert function.balance(A) == 987654


def test_each_command_that_ends_is_logged_once_with_what_it_led_to(
    function: Function, caplog: pytest.LogCaptureFixture
) -> None:
    opened = [function.record(account, OPEN) for account in (A, B)]
    transfer = {"type": "Transfer", "from_account_id": A, "to_account_id": B, "amount": 5}
    records = [*opened, function.record(A, CREDIT), function.record(A, transfer), function.record(B, OPEN)]
    records.append(function.record(B, b"{"))
    function(*records)
    function(*records)
    lines = {line["command_id"]: line for line in map(vars, caplog.records)}
    ids = [record["dynamodb"]["Keys"]["command_id"]["S"] for record in records]
    assert sorted(lines) == sorted(ids)
    assert len(caplog.records) == len(ids), "none is logged again when it is delivered again"
    told = [(lines[each]["status"], lines[each]["events"], lines[each]["problem"]) for each in ids]
    assert told == [
        ("SUCCEEDED", [f"{A}/1"], ""),
        ("SUCCEEDED", [f"{B}/1"], ""),
        ("SUCCEEDED", [f"{A}/2"], ""),
        ("SUCCEEDED", [f"{A}/3", f"{B}/2"], ""),
        ("REJECTED", (), "account-already-exists"),
        ("REJECTED", (), "invalid-command"),
    ]
    assert {line["correlation_id"] for line in lines.values()} == {"order-17"}
    assert {line["account_id"] for line in lines.values()} == {A, B}


def test_it_raises_at_the_end_and_says_why(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    function(function.record(A, OPEN), function.record(B, OPEN))
    capsys.readouterr()
    failed, behind, other = (function.record(account, CREDIT) for account in (A, A, B))
    commit = function.store.commit

    def refused(build: Callable[[], Commit], **options: Any) -> Commit:
        what = build()
        if what.rows and what.rows[0].stream_id == A:
            raise client_error("ResourceNotFoundException", "TransactWriteItems")
        return commit(build, **options)

    function.store.commit = refused  # type: ignore[assignment, method-assign]
    with pytest.raises(
        function.incomplete, match=r"^2 commands have not ended: ClientError: ResourceNotFoundException$"
    ) as raised:
        function(failed, behind, other)
    assert raised.value.__cause__ is raised.value.__context__ is None, "Lambda would log what it chains"
    metrics = counted(capsys.readouterr().out)
    assert (metrics["CommandsSucceeded"], metrics["CommandsLeft"]) == ([1.0], [2.0])
    log, _ = logs = [vars(record) for record in caplog.records if record.levelname != "INFO"]
    assert {(each["levelname"], each["account_id"]) for each in logs} == {("ERROR", A)}
    ids = [record["dynamodb"]["Keys"]["command_id"]["S"] for record in (failed, behind)]
    assert [each["command_id"] for each in logs] == ids, "they were one transaction"
    assert log["correlation_id"] == failed["dynamodb"]["NewImage"]["correlation_id"]["S"]
    assert log["reason"] == "ClientError: ResourceNotFoundException"


def test_no_log_holds_a_body(
    function: Function, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def failing(what: Any, **options: Any) -> None:
        raise ValueError(f"cannot write {what}")

    function.store.commit = failing  # type: ignore[assignment, method-assign]
    with pytest.raises(function.incomplete) as raised:
        function(
            function.record(A, OPEN | {"reference": SECRET}),
            function.record(B, SECRET.encode()),
            function.record(A, {"type": SECRET}),
        )
    del function.store.commit
    function(function.record(B, OPEN | {"type": "OpenAccount"}), function.record(B, CREDIT))
    written = "".join([*map(str, map(vars, caplog.records)), *capsys.readouterr(), str(raised.value)])
    assert "ValueError" in written
    assert "SUCCEEDED" in written
    assert SECRET not in written
    assert "987654" not in written


def test_it_begins_nothing_that_may_not_end_in_time(function: Function) -> None:
    function(function.record(A, OPEN), milliseconds=12_000)
    with pytest.raises(function.incomplete, match="2 commands"):
        function(function.record(A, CREDIT), function.record(B, OPEN), milliseconds=11_999)
    assert (function.account(A).version, function.account(B).version) == (1, 0)


@pytest.mark.parametrize("name", ["EVENT_TABLE", "COMMANDS_TABLE", "ENVIRONMENT"])
def test_a_missing_variable_is_named(environ: pytest.MonkeyPatch, name: str) -> None:
    environ.delenv(name)
    with pytest.raises(SettingsError, match=name):
        importlib.import_module(MODULE)


@pytest.mark.parametrize("module", [MODULE, "lambdas.handlers.command_failures"])
def test_the_handlers_import_nothing_heavy(module: str) -> None:
    show = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    started = subprocess.run(
        [sys.executable, "-c", show], env=ACCOUNTS, cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert module in started.stdout.split()
    unwanted = {"boto3", "s3transfer", "aws_lambda_powertools.event_handler", "lambdas.contracts.components"}
    assert set(started.stdout.split()) & unwanted == set()


@pytest.mark.usefixtures("environ")
def test_the_deployed_processor_works_on_the_tables_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    dynamodb, calls = FakeInbox(), list[dict[str, Any]]()
    monkeypatch.setattr("lambdas.composition.inbox.watched_client", lambda check: dynamodb)
    module = importlib.import_module(MODULE)
    transact = dynamodb.transact_write_items

    def sent(**request: Any) -> dict[str, Any]:
        calls.append(request)
        return transact(**request)

    monkeypatch.setattr(dynamodb, "transact_write_items", sent)
    dynamodb.put_item(TableName="commands", Item=command_item(A, "c", OPEN))
    module.handler({"Records": [Desk().record(A, OPEN, "c")]}, Context())
    ((put, update),) = [call["TransactItems"] for call in calls]
    assert put["Put"]["TableName"] == "events"
    assert update["Update"]["TableName"] == "commands"
    assert "failed_on" in update["Update"]["ExpressionAttributeNames"].values()


@pytest.mark.usefixtures("environ")
def test_every_refusal_of_the_deployed_processor_is_a_commit_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that finds its own commit in the row takes it for its own work, and would not see that it came again."""
    dynamodb, desk = FakeInbox(), Desk()
    monkeypatch.setattr("lambdas.composition.inbox.watched_client", lambda check: dynamodb)
    module = importlib.import_module(MODULE)
    records = [desk.record(A, b"{", "one"), desk.record(A, b"[", "two")]
    for command, body in (("one", b"{"), ("two", b"[")):
        dynamodb.put_item(TableName="commands", Item=command_item(A, command, body))
    for rejected, repeated in ((1.0, 0.0), (0.0, 1.0)):
        capsys.readouterr()
        for record in records:
            module.handler({"Records": [record]}, Context())
            metrics = counted(capsys.readouterr().out)
            assert (metrics["CommandsRejected"], metrics["CommandsRepeated"]) == ([rejected], [repeated])
    (rows,) = dynamodb.tables["commands"].partitions.values()
    assert {row[table.STATUS]["S"] for row in rows.values()} == {table.REJECTED}
    assert len({row[table.COMMIT_ID]["S"] for row in rows.values()}) == 2
