"""Settings, and the client with which a function talks to DynamoDB."""

from __future__ import annotations

import botocore
import pytest

from lambdas.composition.accounts import api_store, deployed_api
from lambdas.composition.inbox import processor_store
from lambdas.composition.settings import ApiSettings, LedgerSettings, ProcessorSettings, SettingsError, load
from lambdas.eventsourcing.clock_check import ClockCheck
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.retry import ATTEMPT_SECONDS, Deadline
from lambdas.eventsourcing.rows import Commit, Completion, Receipt
from lambdas.inbox import table
from tests.support.dynamodb_tables import KEYS
from tests.support.fake_dynamodb import FakeDynamoDB
from tests.support.stores import as_is

VARIABLES = {
    "EVENT_TABLE": "events",
    "RECEIPTS_TABLE": "receipts",
    "COMMANDS_TABLE": "commands",
    "SNAPSHOT_INTERVAL": "7",
    "TEST_CALLERS": "AROAONE,,AIDATWO",
    "WRITES": "on",
    "READ_MODEL_TABLES": '{"account_summaries": "summaries", "daily_totals": "totals"}',
    "LOG_BUCKET": "log-bucket",
    "LOG_INDEX_TABLE": "log-index",
    "ENVIRONMENT": "dev",
    "PATH": "/bin",
}


COMMON = {"event_table": "events", "environment": "dev", "snapshot_interval": 7, "test_callers": "AROAONE,,AIDATWO"}


@pytest.mark.parametrize(
    "expected",
    [
        ApiSettings(
            **COMMON,  # type: ignore[arg-type]
            receipts_table="receipts",
            commands_table="commands",
            read_model_tables=VARIABLES["READ_MODEL_TABLES"],
            writes="on",
            log_bucket="log-bucket",
            log_index_table="log-index",
        ),
        ProcessorSettings(**COMMON, commands_table="commands"),  # type: ignore[arg-type]
    ],
)
def test_settings(expected: LedgerSettings) -> None:
    assert load(type(expected), VARIABLES) == expected


@pytest.mark.parametrize(
    ("given", "ids"),
    [("", set()), (",", set()), ("AROAONE", {"AROAONE"}), ("AROAONE,,AIDATWO", {"AROAONE", "AIDATWO"})],
)
def test_no_gap_in_the_list_of_test_callers_is_a_caller(given: str, ids: set[str]) -> None:
    assert load(ApiSettings, VARIABLES | {"TEST_CALLERS": given}).test_caller_ids() == ids


@pytest.mark.parametrize("kind", [ApiSettings, ProcessorSettings])
def test_a_missing_variable_is_named(kind: type[LedgerSettings]) -> None:
    own = ["RECEIPTS_TABLE", "READ_MODEL_TABLES", "WRITES"] if kind is ApiSettings else []
    for name in ("EVENT_TABLE", "COMMANDS_TABLE", "SNAPSHOT_INTERVAL", "TEST_CALLERS", "ENVIRONMENT", *own):
        with pytest.raises(SettingsError, match=f"not set: {name}$"):
            load(kind, {key: value for key, value in VARIABLES.items() if key != name})


@pytest.mark.parametrize(
    "wrong",
    [
        {"WRITES": "yes"},
        {"SNAPSHOT_INTERVAL": "0"},
        {"SNAPSHOT_INTERVAL": "ten"},
        {"SNAPSHOT_INTERVAL": ""},
        {"EVENT_TABLE": ""},
        {"READ_MODEL_TABLES": ""},
    ],
    ids=str,
)
def test_an_unacceptable_variable_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        load(ApiSettings, VARIABLES | wrong)


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
    assert config.user_agent == f"daybook Botocore/{botocore.__version__}"
    assert client.meta.region_name == region


def test_the_client_has_what_the_store_calls(region: str) -> None:
    client = dynamodb_client()
    assert all(callable(getattr(client, name)) for name in ("query", "put_item", "update_item", "transact_write_items"))


def test_the_deployed_service_is_built_without_a_call(region: str) -> None:
    assert all(deployed_api(load(ApiSettings, VARIABLES), ClockCheck()))


def test_receipts_go_into_the_table_of_receipts() -> None:
    fake = FakeDynamoDB(KEYS)
    receipt = Receipt("account", "caller/key", b"hash", "c", 1, "{}", 5)

    api_store(fake, load(ApiSettings, VARIABLES)).commit(as_is(Commit("c", (), receipt)), deadline=Deadline())

    stored = fake.tables["receipts"].get({"scope": {"S": "account"}, "key": {"S": "caller/key"}})
    assert stored is not None
    assert (stored["request_hash"], stored["expires_at"]) == ({"B": b"hash"}, {"N": "5"})
    assert not fake.tables["commands"].partitions


def test_a_function_has_the_tables_of_its_own_work_only() -> None:
    """The API ends no stored command, and the processor puts no receipt."""
    receipt, completion = Receipt("a", "k", b"h", "c", 1, "{}", 5), Completion("a", "k", "c", table.REJECTED, {}, {})
    api = api_store(FakeDynamoDB(KEYS), load(ApiSettings, VARIABLES))
    processor = processor_store(FakeDynamoDB(KEYS), load(ProcessorSettings, VARIABLES))
    with pytest.raises(ValueError, match="inbox"):
        api.commit(as_is(Commit("c", (), completions=(completion,))), deadline=Deadline())
    with pytest.raises(ValueError, match="receipt table"):
        processor.commit(as_is(Commit("c", (), receipt)), deadline=Deadline())


def test_stored_commands_end_in_the_commands_table() -> None:
    """A completed row leaves the index of failed ones."""
    settings = load(ProcessorSettings, VARIABLES)
    fake = FakeDynamoDB(KEYS)
    row = {table.HASH_KEY: {"S": "account"}, table.RANGE_KEY: {"S": "command"}}
    fake.tables["commands"].put({**row, table.STATUS: {"S": table.PENDING}, table.FAILED_ON: {"S": "2026-03-01"}})
    completion = Completion("account", "command", "c", table.REJECTED, {table.PROBLEM: "{}"}, {})

    processor_store(fake, settings).commit(as_is(Commit("c", (), completions=(completion,))), deadline=Deadline())

    ended = {table.STATUS: {"S": "REJECTED"}, table.COMMIT_ID: {"S": "c"}, table.PROBLEM: {"S": "{}"}}
    assert fake.tables["commands"].get(row) == row | ended
