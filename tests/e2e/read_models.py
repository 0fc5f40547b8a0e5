"""What both read models must be, said three times: folded here from the rows of the event table, by other code than
theirs; as their tables hold it; and as SQL over the lake says it.

A summary is a dictionary of the account's attributes, a day's totals one of all measures, by currency and day.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from analytics import catalog
from lambdas.accounts.money import TEST_CURRENCY
from local.emulator import aws
from local.machine.environment import Environment

SUMMARIES: Final = "account_summaries"
TOTALS: Final = "daily_totals"
PROJECTIONS: Final = (SUMMARIES, TOTALS)
MEASURES: Final = (
    "events", "active_accounts", "opened", "closed", "credits", "credited", "withdrawals", "withdrawn", "transfers",
    "transferred", "net",
)  # fmt: skip

Item = Mapping[str, Mapping[str, Any]]
Summary = dict[str, Any]
Totals = dict[tuple[str, str], dict[str, int]]
"""By currency and day."""

_MOVES: Final = {
    "AccountCreated": ("opened", None, 0),
    "AccountClosed": ("closed", None, 0),
    "BalanceCredited": ("credits", "credited", 1),
    "BalanceWithdrawn": ("withdrawals", "withdrawn", -1),
    "TransferSent": ("transfers", "transferred", -1),
    "TransferReceived": (None, None, 1),
}
"""Which measures count an event and its amount, and the sign with which the amount changes the balance."""


@dataclass
class Both:
    """Both read models. `stopped` are the accounts that go on no further, by projection and id, with their version."""

    summaries: dict[str, Summary] = field(default_factory=dict)
    totals: Totals = field(default_factory=dict)
    versions: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    stopped: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def of(self, account_ids: Iterable[str]) -> dict[str, Summary | None]:
        """Some accounts' summaries."""
        return {each: self.summaries.get(each) for each in account_ids}

    def in_currencies(self, currencies: Iterable[str]) -> Totals:
        """Some currencies' totals."""
        wanted = set(currencies)
        return {key: row for key, row in sorted(self.totals.items()) if key[0] in wanted}


def items(environment: Environment, table: str) -> list[Item]:
    """All items of a table, read consistently."""
    pages = aws.client(environment, "dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def reference(rows: Iterable[Item]) -> Both:
    """What the rows of the event table add up to."""
    both, active = Both(), defaultdict(set)
    for row in sorted(rows, key=lambda each: (each["stream_id"]["S"], int(each["version"]["N"]))):
        account_id, version = row["stream_id"]["S"], int(row["version"]["N"])
        data, recorded = json.loads(row["data"]["S"]), row["recorded_at"]["S"]
        counted, moved, sign = _MOVES[row["type"]["S"]]
        amount = data.get("amount", 0)
        _summarize(both.summaries, account_id, version, row["type"]["S"], data, recorded, sign * amount)
        for projection in PROJECTIONS:
            both.versions[projection][account_id] = version
        if data["currency"] == TEST_CURRENCY:
            continue
        key = data["currency"], recorded[:10]
        total = both.totals.setdefault(key, dict.fromkeys(MEASURES, 0))
        active[key].add(account_id)
        total["events"] += 1
        total["active_accounts"] = len(active[key])
        total["net"] += sign * amount
        for measure, by in ((counted, 1), (moved, amount)):
            if measure:
                total[measure] += by
    return both


def _summarize(
    summaries: dict[str, Summary], account_id: str, version: int, kind: str, data: Any, recorded: str, change: int
) -> None:
    if kind == "AccountCreated":
        summaries[account_id] = {
            "status": "open", "currency": data["currency"], "balance": 0, "overdraft_limit": data["overdraft_limit"],
            "opened_at": recorded, "events": 0,
        }  # fmt: skip
    summary = summaries[account_id]
    summary["balance"] += change
    summary["events"] += 1
    summary["version"], summary["last_activity_at"] = version, recorded
    if kind == "AccountClosed":
        summary["status"] = "closed"


def stored(environment: Environment, tables: Mapping[str, str], generations: Mapping[str, int]) -> Both:
    """What one generation of each projection in `generations` holds; both by the projection's name."""
    both = Both()
    for projection, generation in generations.items():
        prefix = f"{generation}#"
        for item in items(environment, tables[projection]):
            partition = item["pk"]["S"]
            if partition.startswith(prefix):
                _take(both, projection, partition.removeprefix(prefix), item)
    return both


def _take(both: Both, projection: str, partition: str, item: Item) -> None:
    if item["sk"]["S"] == "account":
        gate, kept = json.loads(item["gate"]["S"]), json.loads(item["kept"]["S"]) if "kept" in item else {}
        both.versions[projection][partition] = gate.get("version", 0)
        if gate.get("stopped"):
            both.stopped[projection].add(partition)
        if projection == SUMMARIES:
            both.summaries[partition] = {**kept, "version": gate.get("version", 0)}
    elif partition.startswith("shared#"):
        currency, _, day = item["sk"]["S"].partition("#")
        total = both.totals.setdefault((currency, day), dict.fromkeys(MEASURES, 0))
        for measure in item.keys() & set(MEASURES):
            total[measure] += int(item[measure]["N"])


def in_sql(ask: Callable[[str], list[dict[str, Any]]], days: Iterable[str]) -> Both:
    """What the lake says, as far as its view of balances and its report tell: no opening and no number of events."""
    both = Both()
    for row in ask("SELECT * FROM account_balances"):
        account_id, moment = row.pop("account_id"), row.pop("updated_at").isoformat(timespec="milliseconds")
        both.summaries[account_id] = {**row, "last_activity_at": moment.removesuffix("+00:00") + "Z"}
    for day in days:
        for row in ask(catalog.query("daily_report").fill({"day": day})):
            both.totals[row["currency"], day] = {measure: int(row[measure]) for measure in MEASURES}
    return both


def as_sql_tells(summary: Summary | None) -> Summary | None:
    """A summary without what the lake's view does not have."""
    told = ("status", "currency", "balance", "overdraft_limit", "version", "last_activity_at")
    return None if summary is None else {name: summary[name] for name in told}
