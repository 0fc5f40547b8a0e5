"""Bytes that the daily report scans in a year of 1,000 events a day: the lake's Parquet against raw JSON.

The report of a day runs several queries (totals, top movers, reconciliation); the report's own code is run to find
them, and their bytes are added up. Parquet: the compressed chunks of the columns that a query's plan reads, from the
footers of the files in the partitions that it reads (see `local.athena.scanning`). Each file holds ten minutes, as in
production. The other partitions of the year are not written, because no query reads them. JSON: Athena reads every byte
of every object, so it is the size of the same year's documents, a line each, counted once although each query would
read them. A second figure counts only the documents in the same partitions, for each query that reads them.
"""

from __future__ import annotations

import random
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlglot
from sqlglot import exp

from benchmarks.report import Row, at_most
from lambdas.accounts.events import AccountEvent, BalanceCredited, BalanceWithdrawn
from lambdas.athena.queries import Row as Answer
from lambdas.contracts.domain_events import DomainEvent, encode_domain_event
from lambdas.contracts.lake import EVENTS_TABLE
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.reporting.days import LATE_DAYS
from lambdas.reporting.figures import DAYS_BEFORE
from lambdas.reporting.report import read_report
from local.athena.footers import column_sizes
from local.athena.scanning import DataFile, bytes_scanned
from local.athena.tables import Table
from local.athena.translation import empty_relation, translate
from tests.unit.analytics.lake import DATABASE, Lake, glue_tables

DAYS = 365
EVENTS_A_DAY = 1_000
ACCOUNTS = 300
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
REPORT_DAY = FIRST_DAY + timedelta(days=200)
READ_DAYS = [REPORT_DAY + timedelta(days=offset) for offset in range(-DAYS_BEFORE - 1, LATE_DAYS + 1)]
FILE_MINUTES = 10
BUDGET_PERCENT = 5
SEED = 17
COLUMN_OF_ALL = "subject"
"""Every query of the report reads this column once, so it stands for whole lines where lines are read whole."""


class _Year:
    """Events of 300 accounts in random order, evenly over each day. Repeatable: one seed."""

    def __init__(self) -> None:
        self._random = random.Random(SEED)
        self._accounts = [str(UUID(int=self._random.getrandbits(128), version=4)) for _ in range(ACCOUNTS)]
        self._versions = dict.fromkeys(self._accounts, 0)

    def day(self, day: datetime) -> list[DomainEvent[Any]]:
        """The events of one day."""
        step = timedelta(days=1) / EVENTS_A_DAY
        return [self._event(day + number * step) for number in range(EVENTS_A_DAY)]

    def _event(self, moment: datetime) -> DomainEvent[AccountEvent]:
        account = self._random.choice(self._accounts)
        self._versions[account] += 1
        cls = self._random.choice((BalanceCredited, BalanceWithdrawn))
        when = format_timestamp(moment + timedelta(milliseconds=self._random.randrange(1_000)))
        return DomainEvent(
            specversion="1.0",
            id=f"{account}/{self._versions[account]}",
            source="/daybook/accounts",
            type=f"daybook.account.{cls.__name__}.v1",
            subject=account,
            time=when,
            dataschema=f"urn:daybook:schema:account:{cls.__name__}:1",
            datacontenttype="application/json",
            streamversion=self._versions[account],
            recordedtime=when,
            rowhash=b64encode(self._random.randbytes(32)).decode(),
            correlationid=str(UUID(int=self._random.getrandbits(128), version=4)),
            causationid=str(UUID(int=self._random.getrandbits(128), version=4)),
            data=cls(amount=self._random.randrange(1, 10**6), currency="EUR", reference=f"invoice {account[:8]}"),
        )


def _fill(lake: Lake) -> tuple[int, list[DataFile], list[DataFile]]:
    """Bytes of the year as JSON, and the files of the report's partitions, as Parquet and as if they were JSON."""
    whole = 0
    paths: dict[Path, str] = {}
    json_files: list[DataFile] = []
    year = _Year()
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(days=number)
        events = year.day(day)
        size = sum(len(encode_domain_event(event)) + 1 for event in events)
        whole += size
        if day in READ_DAYS:
            json_files.append(DataFile({"dt": f"{day:%Y-%m-%d}"}, {COLUMN_OF_ALL: size}))
            paths |= dict.fromkeys(_write(lake, day, events), f"{day:%Y-%m-%d}")
    sizes = column_sizes(list(paths))
    return whole, [DataFile({"dt": day}, sizes[path]) for path, day in paths.items()], json_files


def _write(lake: Lake, day: datetime, events: list[DomainEvent[Any]]) -> Iterator[Path]:
    files = 24 * 60 // FILE_MINUTES
    for number in range(files):
        part = events[number * len(events) // files : (number + 1) * len(events) // files]
        yield lake.arrive(f"{day:%Y-%m-%d}", part)


def _report_over(relation: str, statement: str) -> str:
    source = sqlglot.select("*").from_(sqlglot.parse_one(relation, dialect="duckdb")).subquery()

    def relation_of(table: Table) -> exp.Expression:
        return source.copy() if table.name == EVENTS_TABLE else empty_relation(table)

    return translate(statement, glue_tables(), relation_of, database=DATABASE)


class _Asked:
    """The lake as the report queries it; keeps the statements."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.statements: list[str] = []

    def rows(self, sql: str, time_left: Callable[[], float]) -> list[Answer]:  # noqa: ARG002 - part of the port
        """Run one statement; returns texts, as Athena does."""
        self.statements.append(sql)
        return [
            {name: None if value is None else str(value) for name, value in row.items()} for row in self._lake.sql(sql)
        ]


def measure() -> Iterator[Row]:
    """Yield the bytes of both, and the ratio that has a budget."""
    with tempfile.TemporaryDirectory(prefix="daybook-lake-") as folder:
        lake = Lake(Path(folder))
        json_bytes, files, json_files = _fill(lake)
        asked = _Asked(lake)
        found = read_report(asked, REPORT_DAY.date(), LATE_DAYS, lambda: 0.0)
        if found.total("events") != EVENTS_A_DAY or found.missing:
            raise AssertionError(f"the report counts {found.total('events')} events and misses {found.missing}")

    def of_all(these: list[DataFile]) -> int:
        table = glue_tables()[EVENTS_TABLE]
        return sum(bytes_scanned(table, these, partial(_report_over, statement=each)) for each in asked.statements)

    scanned, json_read = of_all(files), of_all(json_files)
    group = "daily report, a year of 1,000 events a day"
    queries = f"all {len(asked.statements)} queries of one report"
    note = f"{queries}; {len(files)} files of {FILE_MINUTES} minutes in {len(READ_DAYS)} partitions of {DAYS}"
    yield Row(group=group, name="Parquet, scanned", value=scanned / 1024, unit="KB", note=note)
    yield Row(group=group, name="raw JSON, scanned", value=json_bytes / 1024, unit="KB", note="the year, by one query")
    percent = 100 * scanned / json_bytes
    budget, met = at_most(percent, BUDGET_PERCENT)
    yield Row(group=group, name="Parquet to raw JSON", value=percent, unit="%", budget=budget, met=met)
    percent = 100 * scanned / json_read
    yield Row(group=group, name="Parquet to JSON in the same partitions", value=percent, unit="%", note="columns alone")
