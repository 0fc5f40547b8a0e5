"""What an environment costs while nobody uses it: a line for each kind of resource that is charged by time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from local.costs.prices import PriceList, dollars
from local.costs.resources import MEGABYTES, Properties, Resources
from local.costs.schedules import runs
from local.machine.errors import UnpricedError

MINUTE: Final = 60


@dataclass(frozen=True)
class Line:
    """So much of a kind, and what it costs a month. `counted` is how the amount is told, such as `1.73 GB`."""

    amount: Decimal
    counted: str
    dollars: Decimal


@dataclass(frozen=True)
class Kind:
    """A kind of resource that is charged by time: its types, how it is counted, and what one costs a month."""

    name: str
    types: tuple[str, ...]
    price: str
    each: Callable[[PriceList], tuple[Decimal, str]]
    """What one costs a month, and the arithmetic."""
    count: Callable[[Resources, PriceList], Decimal]
    unit: str = ""

    def line(self, resources: Resources, prices: PriceList) -> Line:
        """What there is of it. Raises UnpricedError."""
        amount = self.count(resources, prices)
        told = f"{amount.quantize(Decimal('0.01')):,}" if amount % 1 else f"{amount:,.0f}"
        return Line(amount, f"{told}{self.unit}", amount * self.each(prices)[0])


def lines(resources: Resources, prices: PriceList) -> dict[str, Line]:
    """What there is of each kind, by name. Raises UnpricedError for a type of resource that nobody priced."""
    resources.refuse_unknown({*(kind for each in KINDS for kind in each.types), *prices.free})
    return {each.name: each.line(resources, prices) for each in KINDS}


def total(found: dict[str, Line]) -> Decimal:
    """The sum of a month."""
    return sum((each.dollars for each in found.values()), Decimal())


def _plain(price: str, what: str) -> Callable[[PriceList], tuple[Decimal, str]]:
    def each(prices: PriceList) -> tuple[Decimal, str]:
        one = prices.dollars(price)
        return one, f"{dollars(one)} a {what}"

    return each


def _stream(prices: PriceList) -> tuple[Decimal, str]:
    hour = prices.dollars("stream")
    month = prices.hours * hour
    return month, f"{prices.hours} h × ${hour} = {dollars(month)} a stream"


def _snapshot(prices: PriceList) -> tuple[Decimal, str]:
    second, seconds = prices.dollars("snapshot"), prices.hours * 3600
    return second * seconds, f"{seconds:,} s × ${second} = {dollars(second * seconds)} a GB"


def _run(seconds_of: str) -> Callable[[PriceList], tuple[Decimal, str]]:
    """With the GB of a run counted in, which is why the amount of runs is in GB."""

    def each(prices: PriceList) -> tuple[Decimal, str]:
        seconds, second = prices.assumptions[seconds_of], prices.dollars("lambda_second")
        return seconds * second, f"{seconds} s × ${second} for a run and GB"

    return each


def _number(kind: str) -> Callable[[Resources, PriceList], Decimal]:
    return lambda resources, _: Decimal(sum(1 for _ in resources.of(kind)))


def _streams(resources: Resources, _: PriceList) -> Decimal:
    found = list(resources.of("AWS::Kinesis::Stream"))
    for each in found:
        if each.get("StreamModeDetails", {}).get("StreamMode") != "ON_DEMAND":
            raise UnpricedError("A stream with shards costs by the shard: say it in local/costs/at_rest.py.")
    return Decimal(len(found))


def _alarms(*, fast: bool) -> Callable[[Resources, PriceList], Decimal]:
    """Metrics that alarms look at: CloudWatch charges for each metric of an expression."""

    def count(resources: Resources, _: PriceList) -> Decimal:
        return Decimal(
            sum(1 for alarm in resources.of("AWS::CloudWatch::Alarm") for each in _metrics(alarm) if each is fast)
        )

    return count


def _metrics(alarm: Properties) -> Iterator[bool]:
    """For each metric whether it is looked at more often than once a minute. Raises UnpricedError."""
    if "Metrics" not in alarm:
        yield alarm["Period"] < MINUTE
        return
    for each in alarm["Metrics"]:
        if "MetricStat" in each:
            yield each["MetricStat"]["Period"] < MINUTE
        elif str(each.get("Expression", "")).lstrip().upper().startswith("SELECT"):
            raise UnpricedError("An alarm on a query costs by what it finds: say it in local/costs/at_rest.py.")


def _snapshots(resources: Resources, _: PriceList) -> Decimal:
    """GB of the functions that start from a snapshot. Of each, the version is kept that the alias points to."""
    found = (
        each["MemorySize"]
        for each in resources.of("AWS::Lambda::Function")
        if each.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
    )
    return sum((Decimal(memory) / MEGABYTES for memory in found), Decimal())


def _scheduled(*, minutely: bool) -> Callable[[Resources, PriceList], Decimal]:
    """Runs times GB, by the largest function of the environment: those of every minute, or the others."""

    def count(resources: Resources, prices: PriceList) -> Decimal:
        found = [each for each in _expressions(resources) if (each == MINUTELY) is minutely]
        number = sum(runs(each, prices.hours) for each in found)
        largest = max((int(each["MemorySize"]) for each in resources.of("AWS::Lambda::Function")), default=0)
        return number * Decimal(largest) / MEGABYTES

    return count


def _expressions(resources: Resources) -> Iterator[str]:
    for kind in SCHEDULED:
        for each in resources.of(kind):
            expression: Any = each.get("ScheduleExpression")
            if expression is not None and each.get("State", "ENABLED") == "ENABLED":
                yield str(expression)


SCHEDULED: Final = ("AWS::Scheduler::Schedule", "AWS::Events::Rule")
MINUTELY: Final = "rate(1 minute)"

KINDS: Final = (
    Kind("KMS keys", ("AWS::KMS::Key",), "key", _plain("key", "key"), _number("AWS::KMS::Key")),
    Kind("Kinesis streams, on demand", ("AWS::Kinesis::Stream",), "stream", _stream, _streams),
    Kind("metrics of alarms", ("AWS::CloudWatch::Alarm",), "alarm", _plain("alarm", "metric"), _alarms(fast=False)),
    Kind(
        "metrics of alarms that look every 10 or 30 s",
        ("AWS::CloudWatch::Alarm",),
        "fast_alarm",
        _plain("fast_alarm", "metric"),
        _alarms(fast=True),
    ),
    Kind(
        "composite alarms",
        ("AWS::CloudWatch::CompositeAlarm",),
        "composite_alarm",
        _plain("composite_alarm", "alarm"),
        _number("AWS::CloudWatch::CompositeAlarm"),
    ),
    Kind(
        "dashboards",
        ("AWS::CloudWatch::Dashboard",),
        "dashboard",
        _plain("dashboard", "dashboard"),
        _number("AWS::CloudWatch::Dashboard"),
    ),
    Kind("SnapStart's cache", ("AWS::Lambda::Function",), "snapshot", _snapshot, _snapshots, " GB"),
    Kind(
        "scheduled runs × GB of memory",
        SCHEDULED,
        "lambda_second",
        _run("run_seconds"),
        _scheduled(minutely=False),
    ),
    Kind(
        "runs of every minute × GB of memory",
        SCHEDULED,
        "lambda_second",
        _run("minutely_seconds"),
        _scheduled(minutely=True),
    ),
)
"""All that is charged by time. What is charged by use is in the other tables."""
