"""Settings, and the client with which a function talks to DynamoDB."""

from __future__ import annotations

import pytest

from lambdas.composition.accounts import deployed_account_service, dynamodb_store
from lambdas.composition.settings import Settings, SettingsError, load_settings
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.retry import ATTEMPT_SECONDS, Deadline
from lambdas.eventsourcing.rows import Commit, Completion
from lambdas.inbox import table
from tests.support.dynamodb_tables import KEYS
from tests.support.fake_dynamodb import FakeDynamoDB
from tests.support.stores import as_is

VARIABLES = {
    "EVENT_TABLE": "events",
    "COMMANDS_TABLE": "commands",
    "SNAPSHOT_INTERVAL": "7",
    "ENVIRONMENT": "dev",
    "PATH": "/bin",
}


def test_settings() -> None:
    expected = Settings(event_table="events", commands_table="commands", environment="dev", snapshot_interval=7)
    assert load_settings(VARIABLES) == expected


@pytest.mark.parametrize("name", ["EVENT_TABLE", "COMMANDS_TABLE", "SNAPSHOT_INTERVAL", "ENVIRONMENT"])
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"not set: {name}$"):
        load_settings({key: value for key, value in VARIABLES.items() if key != name})


@pytest.mark.parametrize(
    "wrong",
    [{"SNAPSHOT_INTERVAL": "0"}, {"SNAPSHOT_INTERVAL": "ten"}, {"SNAPSHOT_INTERVAL": ""}, {"EVENT_TABLE": ""}],
    ids=str,
)
def test_an_unacceptable_variable_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        load_settings(VARIABLES | wrong)


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment variables that every function has from Lambda."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    return "eu-north-1"


def test_the_client_has_short_timeouts_and_one_attempt(region: str) -> None:
    client = dynamodb_client()
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.connect_timeout + config.read_timeout <= ATTEMPT_SECONDS
    assert config.retries["total_max_attempts"] == 1
    assert config.tcp_keepalive
    assert client.meta.region_name == region


def test_the_client_has_what_the_store_calls(region: str) -> None:
    client = dynamodb_client()
    assert all(callable(getattr(client, name)) for name in ("query", "put_item", "update_item", "transact_write_items"))


def test_the_deployed_service_is_built_without_a_call(region: str) -> None:
    assert deployed_account_service(load_settings(VARIABLES)) is not None


def test_the_commands_table_keeps_receipts_apart_from_commands() -> None:
    assert (table.HASH_KEY, table.RANGE_KEY, table.RECEIPT_PREFIX) == ("account_id", "command_id", "receipt#")


def test_stored_commands_end_in_the_commands_table() -> None:
    """A completed row leaves the index of failed ones."""
    settings = load_settings(VARIABLES)
    fake = FakeDynamoDB({"events": KEYS["events"], "commands": KEYS["commands"]})
    row = {table.HASH_KEY: {"S": "account"}, table.RANGE_KEY: {"S": "command"}}
    fake.tables["commands"].put({**row, table.STATUS: {"S": table.PENDING}, table.FAILED_ON: {"S": "2026-03-01"}})
    completion = Completion("account", "command", "c", table.REJECTED, {table.PROBLEM: "{}"}, {})

    dynamodb_store(fake, settings).commit(as_is(Commit("c", (), completions=(completion,))), deadline=Deadline())

    ended = {table.STATUS: {"S": "REJECTED"}, table.COMMIT_ID: {"S": "c"}, table.PROBLEM: {"S": "{}"}}
    assert fake.tables["commands"].get(row) == row | ended
