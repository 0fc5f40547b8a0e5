"""Costs are counted by the type of a resource, and what nobody priced is refused."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.daily_totals import DAILY_TOTALS
from lambdas.projections.registry import PROJECTIONS
from local.costs import at_rest, by_use
from local.costs.page import BEGIN, END, written
from local.costs.prices import PriceList, read_prices
from local.costs.resources import Resources
from local.costs.schedules import runs
from local.machine.errors import PageError, UnpricedError

REPOSITORY = Path(__file__).resolve().parents[4]
HOURS = 730
STAT = {"MetricStat": {"Metric": {"Namespace": "daybook", "MetricName": "Late"}, "Period": 60}}


@pytest.fixture(scope="module")
def prices() -> PriceList:
    return read_prices()


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def resources(*found: dict[str, Any]) -> Resources:
    return Resources([{"Resources": {str(number): each for number, each in enumerate(found)}}])


def counted(prices: PriceList, *found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Amount and dollars of each kind of which there is something."""
    lines = at_rest.lines(resources(*found), prices)
    return {name: (each.counted, f"{each.dollars:.2f}") for name, each in lines.items() if each.amount}


def function(memory: int, *, snapshot: bool) -> dict[str, Any]:
    start = {"SnapStart": {"ApplyOn": "PublishedVersions"}} if snapshot else {}
    return resource("AWS::Lambda::Function", MemorySize=memory, **start)


def alarm(**properties: Any) -> dict[str, Any]:
    return resource("AWS::CloudWatch::Alarm", **properties)


@pytest.mark.parametrize(
    ("found", "kind", "line"),
    [
        ([resource("AWS::KMS::Key")] * 4, "KMS keys", ("4", "4.00")),
        (
            [resource("AWS::Kinesis::Stream", StreamModeDetails={"StreamMode": "ON_DEMAND"})],
            "Kinesis streams, on demand",
            ("1", "29.20"),
        ),
        ([alarm(MetricName="A", Period=60)] * 3, "metrics of alarms", ("3", "0.30")),
        (
            [alarm(Metrics=[STAT, STAT, {"Expression": "m1 / m2", "Id": "e"}])],
            "metrics of alarms",
            ("2", "0.20"),
        ),
        ([alarm(MetricName="A", Period=10)], "metrics of alarms that look every 10 or 30 s", ("1", "0.30")),
        ([resource("AWS::CloudWatch::CompositeAlarm")] * 2, "composite alarms", ("2", "1.00")),
        ([resource("AWS::CloudWatch::Dashboard")], "dashboards", ("1", "3.00")),
        ([function(1024, snapshot=True), function(512, snapshot=True)], "SnapStart's cache", ("1.50 GB", "5.93")),
        (
            [
                resource("AWS::Scheduler::Schedule", ScheduleExpression="rate(5 minutes)"),
                function(1024, snapshot=False),
            ],
            "scheduled runs × GB of memory",
            ("8,760", "1.17"),
        ),
        (
            [
                resource("AWS::Scheduler::Schedule", ScheduleExpression="rate(1 minute)"),
                function(1024, snapshot=False),
            ],
            "runs of every minute × GB of memory",
            ("43,800", "0.58"),
        ),
        (
            [resource("AWS::Events::Rule", ScheduleExpression="rate(1 day)"), function(2048, snapshot=False)],
            "scheduled runs × GB of memory",
            ("60", "0.01"),
        ),
    ],
)
def test_a_kind_is_counted_and_priced(
    prices: PriceList, found: list[dict[str, Any]], kind: str, line: tuple[str, str]
) -> None:
    assert counted(prices, *found) == {kind: line}


@pytest.mark.parametrize(
    "found",
    [
        function(1024, snapshot=False),
        resource("AWS::Lambda::Function", MemorySize=1024, SnapStart={"ApplyOn": "None"}),
        resource("AWS::Events::Rule", EventPattern={}),
        resource("AWS::Scheduler::Schedule", ScheduleExpression="rate(5 minutes)", State="DISABLED"),
        resource("AWS::IAM::Role"),
    ],
)
def test_what_is_free_while_nobody_uses_it(prices: PriceList, found: dict[str, Any]) -> None:
    assert counted(prices, found, function(1024, snapshot=False)) == {}


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (resource("AWS::RDS::DBCluster"), "Nobody said what AWS::RDS::DBCluster costs"),
        (resource("AWS::Kinesis::Stream", ShardCount=2), "shards"),
        (resource("AWS::Scheduler::Schedule", ScheduleExpression="at(2026-11-27T12:00:00)"), "How often is at"),
        (alarm(Metrics=[{"Expression": "SELECT MAX(Throttles) FROM X", "Period": 60}]), "by what it finds"),
    ],
)
def test_what_nobody_priced_is_refused(prices: PriceList, found: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UnpricedError, match=complaint):
        at_rest.lines(resources(found), prices)


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("rate(5 minutes)", 8_760), ("rate(1 hour)", 730), ("rate(1 day)", 30), ("rate(12 hours)", 61),
        ("cron(30 1 * * ? *)", 30), ("cron(0 3 1/6 * ? *)", 6), ("cron(0 3 1/1 * ? *)", 30),
        ("cron(0 3 1/31 * ? *)", 1),
    ],
)  # fmt: skip
def test_runs_of_a_month(expression: str, times: int) -> None:
    assert runs(expression, HOURS) == times


@pytest.mark.parametrize(
    "expression", ["cron(0/5 * * * ? *)", "cron(0 1 1 * ? *)", "cron(0 1 2/6 * ? *)", "cron(0 1 ? * MON *)", "rate(x)"]
)
def test_what_runs_otherwise_is_refused(expression: str) -> None:
    with pytest.raises(UnpricedError):
        runs(expression, HOURS)


def plan(**rule: Any) -> dict[str, Any]:
    return resource("AWS::Backup::BackupPlan", BackupPlan={"BackupPlanRule": [rule]})


def test_each_daily_backup_that_is_kept_is_paid_for(prices: PriceList) -> None:
    daily = plan(ScheduleExpression="cron(0 3 * * ? *)", Lifecycle={"DeleteAfterDays": 35})
    assert by_use.kept_backups(resources(daily), prices) in {34, 35}
    with pytest.raises(UnpricedError):
        by_use.kept_backups(resources(plan(ScheduleExpression="cron(0 3 * * ? *)")), prices)


def test_metrics_of_ours_are_counted_once(prices: PriceList) -> None:
    own = {"Namespace": "daybook", "MetricName": "A"}
    found = resources(
        alarm(**own, Period=60), alarm(**own, Period=300), alarm(Metrics=[STAT]), alarm(Namespace="AWS/Lambda")
    )
    assert by_use.own_metrics(found, "daybook") == 2


@pytest.mark.parametrize("work", by_use.WORKS, ids=lambda work: work.name)
def test_a_request_takes_what_the_table_of_capacities_says(work: by_use.Work) -> None:
    """Its rows are assertions of tests/store; what holds only for a cold account stands in parentheses there."""
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    [cell] = re.findall(rf"^\| {re.escape(work.row)} \| .* \| (.*[WR]CU.*) \|$", readme, re.MULTILINE)
    writes = {int(each) for each in re.findall(r"(\d+) WCU|\((\d+)\)", cell) for each in each if each} or {0}
    reads = {int(each) for each in re.findall(r"(\d+) RCU", re.sub(r"\(.*\)", "", cell))} or {0}
    assert work.writes in writes
    assert {work.reads} == reads


def test_a_command_costs_its_capacity_its_request_and_its_event(prices: PriceList) -> None:
    cold = by_use.Work("", "", writes=1, reads=2)
    assert by_use.dynamodb(cold, prices) == by_use.Part("1 × 0.625 + 2 × 0.125", Decimal("0.875"))
    front = by_use.front(cold, 1769, prices)
    assert (front.arithmetic, f"{front.dollars:.4f}") == ("1 × 3.50 + 1 × 0.43", "3.9303")
    assert f"{by_use.event(7, 1, prices).dollars:.3f}" == "0.357"
    assert f"{by_use.event(1, 1, prices).dollars:.3f}" == "0.339", "the first day of a stream is not charged again"
    assert f"{by_use.event(7, 3, prices).dollars:.3f}" == "0.434", "each reader pays for what it reads"


def test_an_event_costs_a_write_in_a_view_and_a_transaction_where_it_is_added_up(prices: PriceList) -> None:
    assert by_use.projected([ACCOUNT_SUMMARIES], prices) == by_use.Part("1 × 0.625", Decimal("0.625"))
    assert by_use.projected([DAILY_TOTALS], prices) == by_use.Part("4 × 0.625", Decimal("2.500"))
    assert by_use.projected(PROJECTIONS, prices) == by_use.Part("1 × 0.625 + 4 × 0.625", Decimal("3.125"))


def test_a_rebuild_costs_the_transitions_of_its_segments(prices: PriceList) -> None:
    assert by_use.walked(1_000, prices) == by_use.Part("1000 × 3 × $0.000025", Decimal("0.075"))


def test_a_seal_costs_its_queries_its_objects_and_a_signature(prices: PriceList) -> None:
    """And a run of Lambda, which is counted at rest; and what its accounts have in the index."""
    seal = by_use.sealed(prices)
    assert seal.arithmetic == "2 × 10 MB read + 8 × $0.000005 + $0.000015"
    assert seal.dollars == Decimal("0.000100") + Decimal("0.000040") + Decimal("0.000015")
    assert by_use.indexed(prices) == by_use.Part("4 × 0.625", Decimal("2.500"))


def test_a_verification_reads_every_row_once(prices: PriceList) -> None:
    assert by_use.verified(prices) == by_use.Part("0.25 × 0.125", Decimal("0.03125"))


def test_an_asynchronous_command_is_also_stored_and_looked_at_by_the_gateway(prices: PriceList) -> None:
    """The table of capacities has only what it takes to carry it out. A status is read strongly consistently."""
    [work] = [each for each in by_use.WORKS if each.requests > each.calls]
    assert by_use.dynamodb(work, prices) == by_use.Part("5 × 0.625 + 1 × 0.125", Decimal("3.250"))
    asked = (REPOSITORY / "stacks" / "command_templates" / "status_request.vtl").read_text("utf-8")
    assert '"ConsistentRead": true' in asked


def test_every_price_says_where_it_is_from_and_is_used(prices: PriceList) -> None:
    assert all(each.page and each.per and each.dollars > 0 for each in prices.prices.values())
    code = "".join(path.read_text("utf-8") for path in (REPOSITORY / "local" / "costs").glob("*.py"))
    assert [name for name in prices.prices if not re.search(f"[\"']{name}[\"']", code)] == []


def test_everything_free_has_its_reason_and_is_not_priced_as_well(prices: PriceList) -> None:
    assert all(prices.free.values())
    assert prices.free.keys().isdisjoint(kind for each in at_rest.KINDS for kind in each.types)


def test_a_price_that_does_not_say_how_far_it_was_checked_is_refused(tmp_path: Path) -> None:
    text = (REPOSITORY / "local/costs/prices.toml").read_text("utf-8").replace('checked = "read"', 'checked = "sure"')
    (tmp_path / "prices.toml").write_text(text, "utf-8")
    with pytest.raises(ValueError, match="none of"):
        read_prices(tmp_path / "prices.toml")


@pytest.mark.parametrize("page", ["", f"{BEGIN}\n{END}", "About $1 a month for an environment like `prod`"])
def test_a_page_without_a_place_is_refused(page: str, prices: PriceList) -> None:
    with pytest.raises(PageError):
        written(page, {"prod": [{"Resources": {}}]}, prices)
