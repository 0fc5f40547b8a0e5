"""`daybook verify`: what it prints and how it exits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
from botocore.exceptions import NoCredentialsError
from msgspec.structs import replace

from cli.app import main
from cli.aws import AWS
from cli.environments.ledger import Ledger, ledger_in_file, open_store
from cli.errors import PlaceError
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.store import EventStore, Page
from tests.support.bank import Recorder, new_bank
from tests.support.clocks import TickingClock, Ticks
from tests.support.envelopes import printed
from tests.support.recording import whole_history
from tests.support.workloads import accounts, credit, opening

A, B, NOBODY = accounts(3)
IN_AWS = ["--event-table", "events", "--region", "eu-central-1"]


class Unreachable:
    """A store that answers nothing."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, stream_id: str, **query: Any) -> Page:
        raise self._error

    def commit(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise self._error


@pytest.fixture
def store() -> InMemoryEventStore:
    """Two accounts: 12 events and 2."""
    store = InMemoryEventStore()
    bank, recorder = new_bank(store, TickingClock()), Recorder(Ticks())
    for account, count in ((A, 11), (B, 1)):
        recorder.send(bank, opening(account))
        for number in range(count):
            recorder.send(bank, credit(f"{account}-{number}", account, 100))
    return store


class Stores(AWS):
    """One store, wherever the ledger is."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self.asked: list[Ledger] = []

    def event_store(self, ledger: Ledger) -> EventStore:
        self.asked.append(ledger)
        return self.store


@pytest.fixture
def run(store: InMemoryEventStore) -> Callable[..., int]:
    return lambda *arguments: main(["verify", *IN_AWS, *arguments], connections=Stores(store))


def _break(store: InMemoryEventStore, account: str, version: int) -> None:
    rows = store._streams[account]
    rows[version - 1] = replace(rows[version - 1], data=rows[version - 1].data.replace("100", "999"))


def test_an_account_verifies(
    run: Callable[..., int], store: InMemoryEventStore, capsys: pytest.CaptureFixture[str]
) -> None:
    newest = whole_history(store, A)[-1]

    assert run(A) == 0
    assert capsys.readouterr().out == f"{A}  12 events and 2 snapshots verify; newest hash {newest.hash.hex()}\n"


def test_a_broken_account_is_named_with_its_first_bad_version(
    run: Callable[..., int], store: InMemoryEventStore, capsys: pytest.CaptureFixture[str]
) -> None:
    _break(store, A, 7)

    assert run(B, A) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith(f"{A}  BROKEN at version 7: the hash does not match")
    assert lines[2] == "1 of 2 accounts verify"


def test_an_account_without_events_is_a_finding(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(NOBODY) == 1
    assert capsys.readouterr().out == f"{NOBODY}  there are no events\n"


def test_upper_case_is_the_same_account(run: Callable[..., int]) -> None:
    assert run(A.upper()) == 0


def test_json(run: Callable[..., int], store: InMemoryEventStore, capsys: pytest.CaptureFixture[str]) -> None:
    _break(store, B, 2)

    assert run("--json", A, B, NOBODY) == 1
    first, second, third = printed("verify", capsys)["data"]["accounts"]
    newest = whole_history(store, A)[-1]
    assert first == {
        "account_id": A, "status": "verified", "version": 12, "snapshots": 2, "hash": newest.hash.hex()
    }  # fmt: skip
    assert (second["status"], second["version"]) == ("broken", 2)
    assert third == {"account_id": NOBODY, "status": "no-history"}


@pytest.mark.parametrize("error", [ReadUnavailableError("no answer"), NoCredentialsError()])
def test_what_cannot_be_read_is_not_called_broken(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", *IN_AWS, A], connections=Stores(Unreachable(error))) == 3
    assert capsys.readouterr().out == f"{A}  could not be read: {error}\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "COMMAND"),
        (["nope"], "No such command 'nope'"),
        (["verify", *IN_AWS], "ACCOUNT_ID"),
        (["verify", *IN_AWS, "not-a-uuid"], "is not a UUID"),
        (["verify", A, "--event-table", "t", "--environment-file", "f"], "not allowed with"),
        (["verify", A, "--region", "eu-central-1"], "--region goes with --env or --event-table"),
        (["verify", A, "--env", "prod", "--event-table", "t"], "--env is not allowed with --event-table"),
        (
            ["verify", A, "--environment-file", "/nowhere/environment.json"],
            "is the system running? `make run` starts it, or give --env.",
        ),
    ],
)
def test_wrong_usage(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert complaint in capsys.readouterr().err


def test_the_environment_file_says_where_the_ledger_is(tmp_path: Path, store: InMemoryEventStore) -> None:
    path, stores = tmp_path / "environment.json", Stores(store)
    described = {"aws_endpoint_url": "http://localhost:1", "region": "eu-west-1", "event_table": "events"}
    path.write_text(json.dumps(described | {"api_url": "http://localhost:1/x", "headers": {}, "added_later": 1}))

    assert main(["verify", A, "--environment-file", str(path)], connections=stores) == 0
    assert stores.asked == [Ledger("events", "eu-west-1", "http://localhost:1")]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"event_table": 1}', '{"event_table": "t", "region": "eu-west-1"}', "\udcff"]
)
def test_an_environment_file_that_says_too_little(tmp_path: Path, text: str) -> None:
    path = tmp_path / "environment.json"
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(PlaceError, match="does not describe a running system"):
        ledger_in_file(path)


def test_a_store_needs_no_credentials_on_an_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    _without_aws(monkeypatch)

    assert isinstance(open_store(Ledger("events", "eu-west-1", "http://localhost:1")), DynamoDBEventStore)


@pytest.mark.parametrize("ledger", [Ledger("events"), Ledger("events", "eu-west-1", "not a URL")])
def test_an_incomplete_configuration(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_aws(monkeypatch)

    with pytest.raises(PlaceError):
        open_store(ledger)


def _without_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
