"""Statements through the whole system: commands, rows, domain events, Parquet, and SQL that adds up to the heller.

Every line of every account is replayed, accounts beside each other: the first over HTTP, the others through the service
on the emulator's own tables. From there on everything is the deployed system. Where there are no real statements, a few
made-up ones are replayed, and one test is skipped to say so.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import boto3
import duckdb
import pytest
from botocore.config import Config
from sqlglot import exp

from analytics import catalog
from cli.app import main
from cli.environments.lake import Target
from cli.errors import QueryFailedError
from cli.sql.session import Result, Session
from lambdas.accounts.commands import OpenAccount
from lambdas.accounts.money import TEST_CURRENCY
from lambdas.composition.accounts import account_service
from lambdas.composition.settings import LedgerSettings
from lambdas.contracts.lake import EVENTS_PREFIX, EVENTS_TABLE, LAKE_COLUMNS, PARTITION
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.service.account_service import AccountService, CommandContext
from local.emulator import aws
from local.example.client import Client
from local.machine.environment import Environment
from tests.e2e.statements import CURRENCY, STATEMENTS, Line, made_up, statements
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.alone

OVER_HTTP: Final = 300
"""At least so many lines, of whole accounts, and of few lines half: an emulated function is slower than the store."""
AT_ONCE = 4
STATEMENTS_A_QUERY = 40
"""Each query lists the whole lake once more."""
Events = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Told:
    """What was commanded: the lines by account, under one correlation id."""

    correlation: str
    lines: dict[str, list[Line]]

    @property
    def commands(self) -> int:
        return sum(1 + len(lines) for lines in self.lines.values())


def service_on(environment: Environment) -> AccountService:
    settings = LedgerSettings(
        event_table=environment.event_table, environment="local", snapshot_interval=10, test_callers=""
    )
    store = DynamoDBEventStore(aws.client(environment, "dynamodb"), event_table=environment.event_table)
    return account_service(store, settings)


class Replay:
    """Statements as commands to one system, all under one correlation id. Each method gives the new account's id."""

    def __init__(self, environment: Environment) -> None:
        self.correlation = f"statements-{uuid4()}"
        self._environment = replace(environment, headers=environment.headers | {"X-Correlation-Id": self.correlation})
        self._service = service_on(environment)

    def over_http(self, lines: list[Line]) -> str:
        client = Client(self._environment)
        account_id: str = client.post("/accounts", {"currency": CURRENCY}, expected=201).body["account_id"]
        for line in lines:
            body = {"amount": line.amount, "occurred_at": f"{line.day}T00:00:00Z"}
            answer = client.post(f"/accounts/{account_id}/{line.type}", body, expected=200)
            assert answer.body["balance"] == line.balance
        client.close()
        return account_id

    def through_the_service(self, lines: list[Line]) -> str:
        account_id = str(uuid4())
        for command in (OpenAccount(currency=CURRENCY), *(line.command for line in lines)):
            self._service.execute(command, account_id, CommandContext(str(uuid4()), self.correlation, "importer"))
        return account_id

    def all(self, accounts: list[list[Line]]) -> dict[str, list[Line]]:
        """Replay accounts beside each other, the lines of each in order. The lines by account id."""
        over_http = min(OVER_HTTP, sum(map(len, accounts)) // 2)
        before = accumulate(map(len, accounts), initial=0)
        ways = [self.over_http if lines < over_http else self.through_the_service for lines in before]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            ids = pool.map(lambda way, lines: way(lines), ways, accounts)
            return dict(zip(ids, accounts, strict=True))


@pytest.fixture(scope="module")
def told(environment: Environment) -> Told:
    """Every line of the statements as a command."""
    replay = Replay(environment)
    return Told(replay.correlation, replay.all(statements()))


@pytest.fixture(scope="module")
def published(environment: Environment, told: Told) -> Events:
    """Every domain event in the stream by id, once those of the statements are there."""

    def all_there() -> Events | None:
        events = domain_events(environment)
        ours = sum(each["correlationid"] == told.correlation for each in events.values())
        return events if ours >= told.commands else None

    found: Events = eventually(all_there, "the events in the stream")
    return found


@pytest.fixture(scope="module")
def ask(environment: Environment) -> Callable[[str], list[dict[str, Any]]]:
    session = Session(target(environment))

    def ask(statement: str) -> list[dict[str, Any]]:
        return records(session.run(statement))

    return ask


@pytest.fixture(scope="module")
def lake(ask: Callable[[str], list[dict[str, Any]]], published: Events) -> Callable[[str], list[dict[str, Any]]]:
    """SQL over the lake, once all that was published has arrived."""

    def all_there() -> bool:
        return bool(ask("SELECT count(*) AS n FROM domain_events")[0]["n"] >= len(published))

    eventually(all_there, "the events in the lake")
    return ask


def in_groups(ids: list[str], size: int) -> Iterator[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def target(environment: Environment) -> Target:
    return Target(
        athena_workgroup=environment.athena_workgroup,
        glue_database=environment.glue_database,
        region=environment.region,
        athena_endpoint_url=environment.athena_endpoint_url,
    )


def records(result: Result) -> list[dict[str, Any]]:
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def domain_events(environment: Environment) -> Events:
    """All that consumers can read, each line a document, by id."""
    return {document["id"]: document for document in map(json.loads, stream_lines(environment))}


def stream_lines(environment: Environment) -> Iterator[bytes]:
    kinesis = aws.client(environment, "kinesis")
    for shard in kinesis.list_shards(StreamName=environment.domain_event_stream)["Shards"]:
        place = kinesis.get_shard_iterator(
            StreamName=environment.domain_event_stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while place:
            page = kinesis.get_records(ShardIterator=place, Limit=10_000)
            for record in page["Records"]:
                yield from record["Data"].splitlines()
            place = page.get("NextShardIterator") if page["Records"] else None


def test_the_statements_that_were_replayed_are_real(told: Told) -> None:
    if not STATEMENTS.exists():
        pytest.skip(f"{STATEMENTS} is not there: the tests of this file replay made-up statements, not real ones")
    assert list(told.lines.values()) != made_up()


def test_each_command_is_one_domain_event_and_one_row_of_the_lake(
    told: Told, published: Events, lake: Callable[[str], list[dict[str, Any]]]
) -> None:
    ours = [each for each in published.values() if each["correlationid"] == told.correlation]
    assert len(ours) == told.commands
    assert Counter(each["subject"] for each in ours) == {name: len(lines) + 1 for name, lines in told.lines.items()}
    (counted,) = lake(
        "SELECT count(*) AS n, count(DISTINCT id) AS ids, count(DISTINCT subject) AS accounts "
        f"FROM domain_events WHERE correlationid = '{told.correlation}'"
    )
    assert counted == {"n": told.commands, "ids": told.commands, "accounts": len(told.lines)}


def test_the_running_balance_is_the_printed_one_in_every_line(
    told: Told, lake: Callable[[str], list[dict[str, Any]]]
) -> None:
    statement = catalog.query("account_statement")
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for ids in in_groups(list(told.lines), STATEMENTS_A_QUERY):
        asked = (f"SELECT '{each}' AS account, * FROM ({statement.fill({'account_id': each})})" for each in ids)
        for row in lake(" UNION ALL ".join(asked)):
            found[row["account"]].append(row)
    for account_id, lines in told.lines.items():
        rows = sorted(found[account_id], key=lambda row: row["version"])
        signed = [line.amount if line.type == "credit" else -line.amount for line in lines]
        assert [row["version"] for row in rows] == list(range(1, len(lines) + 2))
        assert [row["balance"] for row in rows] == [0, *(line.balance for line in lines)]
        assert [row["amount"] for row in rows] == [0, *signed]
        assert [row["occurred_at"].date() for row in rows[1:]] == [line.day for line in lines]


def test_balances_are_the_last_printed_ones(told: Told, lake: Callable[[str], list[dict[str, Any]]]) -> None:
    found = {row["account_id"]: row["balance"] for row in lake("SELECT account_id, balance FROM account_balances")}
    assert {name: found[name] for name in told.lines} == {name: lines[-1].balance for name, lines in told.lines.items()}


def test_the_daily_reports_totals_are_a_plain_sum(
    told: Told, published: Events, lake: Callable[[str], list[dict[str, Any]]]
) -> None:
    sums: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    names = {"BalanceCredited": ("credits", "credited"), "BalanceWithdrawn": ("withdrawals", "withdrawn")}
    for event in published.values():
        kind, data = event["type"].split(".")[2], event["data"]
        if data["currency"] == TEST_CURRENCY:
            continue  # in no report
        total = sums[event["recordedtime"][:10], data["currency"]]
        total["events"] += 1
        if kind in names:
            count, amount = names[kind]
            total[count] += 1
            total[amount] += data["amount"]
    for day in {day for day, _ in sums}:
        report = {row["currency"]: row for row in lake(catalog.query("daily_report").fill({"day": day}))}
        assert report.keys() == {currency for that, currency in sums if that == day}
        for currency, row in report.items():
            for name in ("events", "credits", "credited", "withdrawals", "withdrawn"):
                assert row[name] == sums[day, currency][name], (day, currency, name)
    printed = sum(line.amount for lines in told.lines.values() for line in lines if line.type == "credit")
    assert sum(total["credited"] for (_, currency), total in sums.items() if currency == "CZK") >= printed > 0


def test_the_lake_reconciles_with_the_event_table(
    environment: Environment, told: Told, lake: Callable[[str], list[dict[str, Any]]]
) -> None:
    pages = aws.client(environment, "dynamodb").get_paginator("scan").paginate(TableName=environment.event_table)
    counted = Counter(item["recorded_at"]["S"][:10] for page in pages for item in page["Items"])
    found = lake(catalog.query("reconciliation").fill({"from_day": min(counted), "to_day": max(counted)}))
    assert {row["day"].isoformat(): row["events"] for row in found} == counted
    assert [row["missing"] for row in found] == [0] * len(found)
    assert lake(catalog.query("version_gaps").fill({})) == []


def test_columns_of_the_table_are_those_of_the_classes_and_of_the_files_that_firehose_wrote(
    environment: Environment, lake: Callable[[str], list[dict[str, Any]]], tmp_path: Path
) -> None:
    columns = [(column.name, column.type) for column in LAKE_COLUMNS]
    table = aws.client(environment, "glue").get_table(DatabaseName=environment.glue_database, Name=EVENTS_TABLE)[
        "Table"
    ]
    assert [(each["Name"], each["Type"]) for each in table["StorageDescriptor"]["Columns"]] == columns
    assert [(each["Name"], each["Type"]) for each in table["PartitionKeys"]] == [(PARTITION.name, PARTITION.type)]

    s3 = aws.client(environment, "s3")
    newest = s3.list_objects_v2(Bucket=environment.lake_bucket, Prefix=EVENTS_PREFIX)["Contents"][-1]["Key"]
    assert newest.startswith(f"{EVENTS_PREFIX}dt=20")
    file = tmp_path / "events.parquet"
    file.write_bytes(s3.get_object(Bucket=environment.lake_bucket, Key=newest)["Body"].read())
    written = duckdb.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()
    assert [(row[0], in_duckdb(row[1], "duckdb")) for row in written] == [
        (name, in_duckdb(kind, "hive")) for name, kind in columns
    ]


def in_duckdb(kind: str, dialect: str) -> str:
    """A type as DuckDB writes it, whoever wrote it."""
    return exp.DataType.build(kind, dialect=dialect).sql("duckdb")


@pytest.mark.parametrize("name", catalog.queries())
def test_every_named_query_runs_through_athenas_own_client(
    name: str, told: Told, lake: Callable[[str], list[dict[str, Any]]]
) -> None:
    today = datetime.now(UTC).date().isoformat()
    examples = {"date": today, "timestamp": f"{today}T23:59:59Z", "integer": "3", "string": next(iter(told.lines))}
    query = catalog.query(name)
    named = {"from_dt": today, "to_dt": today}
    if "correlation_id" in query.parameters:
        (newest,) = lake("SELECT max(correlationid) AS correlation_id FROM domain_events")
        named |= newest
    rows = lake(query.fill({each: named.get(each, examples[kind]) for each, kind in query.parameters.items()}))
    asked_for_nobody = {"account_contents", "bucket_accounts"}  # their values are the console's examples
    may_be_empty = {"below_zero", "booked_again", "rapid_withdrawals", "sealable_restores", "stray_events",
                    "uncompared_events", "version_gaps"}  # fmt: skip
    assert rows or name in asked_for_nobody | may_be_empty


def test_whole_numbers_are_divided_and_columns_called_as_on_athena(
    lake: Callable[[str], list[dict[str, Any]]], published: Events
) -> None:
    (row,) = lake("SELECT -7 / 2, count(*) / 7, count(*) / 7.0 >= 1 AS all_there FROM domain_events")
    assert list(row) == ["_col0", "_col1", "all_there"]
    assert (row["_col0"], row["all_there"]) == (-3, True)
    assert row["_col1"] >= len(published) // 7
    assert type(row["_col1"]) is int


def test_the_command_line_on_the_running_system(
    environment: Environment, told: Told, lake: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "environment.json"
    environment.save(file)
    where = ["--environment-file", str(file)]
    account_id, lines = next(iter(told.lines.items()))
    assert main(["sql", *where, "--json", "--name", "account_statement", "-p", f"account_id={account_id}"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["data"]["rows"][-1]["balance"] == lines[-1].balance
    assert "scanned" in said.err
    assert not said.err.startswith("0 bytes")
    assert main(["sql", *where, "SELECT nope FROM events"]) == 1
    assert "COLUMN_NOT_FOUND: Column 'nope' cannot be resolved." in capsys.readouterr().err


def test_a_query_above_the_scan_limit_is_a_sentence(environment: Environment, lake: object) -> None:
    athena = boto3.client(
        "athena",
        endpoint_url=environment.athena_endpoint_url,
        region_name=environment.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(parameter_validation=False),  # Athena takes no limit below 10 MB, and this lake is smaller
    )
    results = {"OutputLocation": f"s3://{environment.lake_bucket}/athena/"}
    name = f"narrow-{uuid4()}"
    athena.create_work_group(
        Name=name, Configuration={"ResultConfiguration": results, "BytesScannedCutoffPerQuery": 10}
    )
    narrow = Session(
        Target(
            athena_workgroup=name,
            glue_database=environment.glue_database,
            region=environment.region,
            athena_endpoint_url=environment.athena_endpoint_url,
        )
    )
    with pytest.raises(QueryFailedError, match="would scan more than the workgroup allows"):
        narrow.run("SELECT * FROM events")
    assert narrow.run("SELECT 1 AS one").rows == [(1,)]
