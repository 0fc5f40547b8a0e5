"""What use costs: a million of each kind of request, and what grows with what is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lambdas.projections.estimate import shared_rows_of_an_event
from lambdas.projections.projection import AnyProjection
from local.costs.prices import PriceList, dollars
from local.costs.resources import MEGABYTES, Resources
from local.costs.schedules import runs
from local.machine.errors import UnpricedError

MILLION: Final = 1_000_000
KILOBYTES: Final = 1024 * 1024
"""Of a GB."""

FIREHOSE_STEP: Final = 5
"""KB to which Firehose rounds a record up."""

FREE_DAYS: Final = 1
"""The first day of retention is in the price of the stream."""


@dataclass(frozen=True)
class Work:
    """A request, by what it takes. `row` is its row in README's table of capacities, which tests/store asserts."""

    name: str
    row: str
    writes: int
    reads: int
    requests: int = 1
    """Of API Gateway."""
    calls: int = 1
    """Of the accounts function."""
    events: int = 1
    gateway_writes: int = 0
    gateway_reads: int = 0
    """What API Gateway asks DynamoDB for itself, to store a command of up to 1 KB and to read how it ended."""


WORKS: Final = (
    Work("command, warm", "command, account warm in the container", 1, 0),
    Work("command, cold", "command, cold", 1, 2),
    Work("command under a key, warm", "command with `Idempotency-Key`", 4, 0),
    Work("transfer, warm", "transfer, both accounts warm (keyed)", 4, 0, events=2),
    Work("transfer under a key, warm", "transfer, both accounts warm (keyed)", 6, 0, events=2),
    Work(
        "asynchronous command and one look at its outcome",
        "asynchronous command, carried out",
        4,
        0,
        requests=2,
        calls=0,
        gateway_writes=1,
        gateway_reads=1,
    ),
    Work("balance", "balance, after 1 event or 1,000,000", 0, 2, events=0),
)


LEAST_READ: Final = 10
"""MB that a query is charged for at least. Source: Amazon Athena pricing."""

MEGABYTES_OF_A_TB: Final = 1_000_000
READ_UNIT: Final = 4
"""KB of a strongly consistent read unit, which a scan's pages are charged by."""

OF_AN_ACCOUNT: Final = 2
"""Items that a seal writes for an account that is in it: its head, and where its events stand."""

STEPS: Final = 3
"""State transitions of a segment that is walked in one step: the step, whether it is done, and the end."""


@dataclass(frozen=True)
class Part:
    """A part of a price: the arithmetic, and what it comes to."""

    arithmetic: str
    dollars: Decimal


def dynamodb(work: Work, prices: PriceList) -> Part:
    """Capacity."""
    write, read = prices.dollars("write_unit"), prices.dollars("read_unit")
    writes, reads = work.writes + work.gateway_writes, work.reads + work.gateway_reads
    terms = [f"{number} × {price}" for number, price in ((writes, write), (reads, read)) if number]
    return Part(" + ".join(terms), writes * write + reads * read)


def front(work: Work, memory_mb: int, prices: PriceList) -> Part:
    """API Gateway and the accounts function."""
    one, request = call(memory_mb, prices).dollars, prices.dollars("api_request")
    factors = ((work.requests, request), (work.calls, one))
    terms = [f"{number} × {price.quantize(Decimal('0.01'))}" for number, price in factors if number]
    return Part(" + ".join(terms), work.requests * request + work.calls * one)


def call(memory_mb: int, prices: PriceList) -> Part:
    """A million calls of a function with so much memory."""
    memory = Decimal(memory_mb) / MEGABYTES
    seconds = Decimal(prices.assumptions["call_milliseconds"]) / 1000
    each, second = prices.dollars("lambda_request"), prices.dollars("lambda_second")
    told = f"{dollars(each)} + {MILLION:,} × {seconds} s × {memory:.2f} GB × ${second}"
    return Part(told, each + MILLION * seconds * memory * second)


def event(days: int, readers: int, prices: PriceList) -> Part:
    """A million events on their way from the stream, which keeps them for so many days, to the lake.

    `readers` is how often they are read: by Firehose, and by each projector.
    """
    size = Decimal(prices.assumptions["event_kilobytes"])
    put = MILLION * size / KILOBYTES
    taken = MILLION * Decimal(FIREHOSE_STEP) / KILOBYTES
    kept = put * (days - FREE_DAYS) * 24 / prices.hours
    stream = put * (prices.dollars("stream_in") + readers * prices.dollars("stream_out")) + kept * prices.dollars(
        "stream_kept"
    )
    delivery = taken * (prices.dollars("firehose") + prices.dollars("parquet"))
    return Part(f"stream {dollars(stream)} + Firehose {dollars(delivery)}", stream + delivery)


def projected(projections: Sequence[AnyProjection], prices: PriceList) -> Part:
    """A million events in all read models, each folded in a batch of its own: no more than that.

    The row of an account is one write, or two in a transaction with the shared rows to which the event adds, which are
    two each. All are taken to be below 1 KB, as accounts of read models are.
    """
    shared = [shared_rows_of_an_event(each) for each in projections]
    writes = [1 if not number else 2 + 2 * number for number in shared]
    write = prices.dollars("write_unit")
    return Part(" + ".join(f"{number} × {write}" for number in writes), sum(writes) * write)


def walked(segments: int, prices: PriceList) -> Part:
    """The state machine of a rebuild. A segment takes three transitions, and two more for each step more."""
    each = prices.dollars("transition") / MILLION
    return Part(f"{segments} × {STEPS} × ${each.normalize():f}", segments * STEPS * each)


def sealed(prices: PriceList) -> Part:
    """A seal, whatever is in it, but for its run: queries, objects and the signature."""
    queries, objects = prices.assumptions["seal_queries"], prices.assumptions["seal_objects"]
    read = queries * Decimal(LEAST_READ) / MEGABYTES_OF_A_TB * prices.dollars("athena")
    put, sign = prices.dollars("put") / MILLION, prices.dollars("signature") / MILLION
    told = f"{queries} × {LEAST_READ} MB read + {objects} × ${put.normalize():f} + ${sign.normalize():f}"
    return Part(told, read + objects * put + sign)


def indexed(prices: PriceList) -> Part:
    """A million accounts in seals: their items in the log's index, in transactions."""
    write = prices.dollars("write_unit")
    return Part(f"{2 * OF_AN_ACCOUNT} × {write}", 2 * OF_AN_ACCOUNT * write)


def verified(prices: PriceList) -> Part:
    """The walk of a verification over a million events."""
    size, read = Decimal(prices.assumptions["row_kilobytes"]), prices.dollars("read_unit")
    return Part(f"{size / READ_UNIT} × {read}", size / READ_UNIT * read)


def kept_backups(resources: Resources, prices: PriceList) -> int:
    """How many whole backups of a table the plans keep at a time. Raises UnpricedError."""
    number = 0
    for plan in resources.of("AWS::Backup::BackupPlan"):
        for rule in plan["BackupPlan"]["BackupPlanRule"]:
            days = rule.get("Lifecycle", {}).get("DeleteAfterDays")
            if days is None or "ScheduleExpression" not in rule:
                raise UnpricedError(
                    "A backup is kept for ever, or made at no told time: say in local/costs/by_use.py what it costs."
                )
            number += round(Decimal(runs(rule["ScheduleExpression"], prices.hours) * days * 24) / prices.hours)
    return number


def own_metrics(resources: Resources, namespace: str) -> int:
    """Metrics of ours that alarms look at."""
    found = set()
    for alarm in resources.of("AWS::CloudWatch::Alarm"):
        stats = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each]
        for metric in stats or [alarm]:
            if metric.get("Namespace") == namespace:
                found.add((metric["MetricName"], str(metric.get("Dimensions"))))
    return len(found)
