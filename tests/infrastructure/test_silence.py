"""Alarms that hear silence: what came no longer comes, or what is written is no longer read."""

from typing import Any

import pytest

from lambdas.projections.registry import PROJECTIONS
from stacks.projections import pascal
from tests.infrastructure.metrics import used
from tests.infrastructure.synthesis import Synthesized
from tests.support.alarm_evaluation import ALARM, INSUFFICIENT_DATA, OK, Series, evaluated, state

HOUR = 3600
MORE_THAN_ASKED = 2
"""CloudWatch retrieves a few points more than the evaluation periods."""


def silences(environment: Synthesized) -> list[dict[str, Any]]:
    """The alarms that call for missing data."""
    found = [
        each["Properties"]
        for stack in environment.stacks
        for each in stack.resources("AWS::CloudWatch::Alarm").values()
    ]
    return [each for each in found if each["TreatMissingData"] != "notBreaching"]


def heard(alarm: dict[str, Any], counts: list[int | None], hours: int) -> list[str]:
    """What the topic is told, as time goes on over hourly counts, of which the last `hours` are lived through."""
    told, before = [], INSUFFICIENT_DATA
    actions = {ALARM: "AlarmActions", OK: "OKActions", INSUFFICIENT_DATA: "InsufficientDataActions"}
    window = alarm["EvaluationPeriods"] + MORE_THAN_ASKED
    for now in range(len(counts) - hours, len(counts) + 1):
        seen = [None if each is None else each < alarm["Threshold"] for each in counts[max(now - window, 0) : now]]
        points = [None] * (window - len(seen)) + seen
        after = state(points, periods=alarm["EvaluationPeriods"], missing=alarm["TreatMissingData"])
        if after != before and alarm.get(actions[after]):
            told.append(after)
        before = after
    return told


@pytest.fixture
def report(anywhere: Synthesized) -> dict[str, Any]:
    [found] = [each for each in silences(anywhere) if each["AlarmName"].endswith("-ReportMissing")]
    assert (found["Period"], found["ComparisonOperator"]) == (HOUR, "LessThanThreshold")
    return found


DAY: list[int | None] = [None] * 10 + [1] + [None] * 13


def test_nothing_is_heard_after_the_first_deployment_until_the_report_has_run(report: dict[str, Any]) -> None:
    assert heard(report, [None] * 100, hours=100) == []
    assert heard(report, DAY, hours=24) == [OK]


def test_nothing_is_heard_while_the_report_runs_every_day(report: dict[str, Any]) -> None:
    assert heard(report, DAY * 14, hours=24 * 14) == [OK]


def test_a_report_that_ran_and_does_not_run_again_is_heard_once(report: dict[str, Any]) -> None:
    assert heard(report, DAY * 3 + [None] * 100, hours=172) == [OK, INSUFFICIENT_DATA]


def test_and_its_coming_back_is_heard(report: dict[str, Any]) -> None:
    assert heard(report, DAY * 2 + [None] * 60 + DAY, hours=132) == [OK, INSUFFICIENT_DATA, OK]


def test_no_alarm_counts_missing_data_as_a_failure(anywhere: Synthesized) -> None:
    """It would go off with every first deployment."""
    assert {each["TreatMissingData"] for each in silences(anywhere)} == {"missing"}


def on_expressions(environment: Synthesized, name: str) -> list[dict[str, Any]]:
    """The alarms on metric math whose names end so."""
    found = [
        each["Properties"]
        for stack in environment.stacks
        for each in stack.resources("AWS::CloudWatch::Alarm").values()
    ]
    return [each for each in found if "Metrics" in each and each["AlarmName"].endswith(name)]


def points_of(alarm: dict[str, Any], counts: dict[str, dict[int, float]], now: int) -> list[bool | None]:
    """The points of the evaluation range after periods 0 to `now`, for counts by the metric's id and the period."""
    [expression] = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    ids = [each["Id"] for each in alarm["Metrics"] if "MetricStat" in each]
    window = range(now + 1 - alarm["EvaluationPeriods"] - MORE_THAN_ASKED, now + 1)
    found = evaluated(expression, {each: Series(counts.get(each, {})) for each in ids}, window).values
    return [found[at] >= alarm["Threshold"] if at in found else None for at in window]


def state_of(alarm: dict[str, Any], counts: dict[str, dict[int, float]], now: int) -> str:
    """The state after these periods."""
    points = points_of(alarm, counts, now)
    return state(points, periods=alarm["EvaluationPeriods"], missing=alarm["TreatMissingData"])


ALWAYS = dict.fromkeys(range(20), 7.0)


@pytest.mark.parametrize(
    ("stack", "writes"),
    [
        ("Publisher", ["put", "transact"]),
        ("Commands", ["update"]),
        *((f"Projections-{pascal(each.name)}", ["put"]) for each in PROJECTIONS),
    ],
)
def test_writes_that_nobody_reads_are_heard_and_nothing_else_is(
    cloud: Synthesized, stack: str, writes: list[str]
) -> None:
    [alarm] = [each for each in on_expressions(cloud, "NotReading") if f"-{stack}-" in each["AlarmName"]]
    assert sorted(each["Id"] for each in alarm["Metrics"] if "MetricStat" in each) == sorted([*writes, "effect"])
    assert state_of(alarm, {}, now=10) == OK, "nothing is written"
    assert state_of(alarm, {"effect": ALWAYS}, now=10) == OK, "a redrive, or retries"
    for written in writes:
        assert state_of(alarm, {written: ALWAYS, "effect": ALWAYS}, now=10) == OK
        assert state_of(alarm, {written: ALWAYS, "effect": dict.fromkeys(ALWAYS, 1.0)}, now=10) == OK, "in batches"
        assert state_of(alarm, {written: ALWAYS}, now=10) == ALARM
        assert state_of(alarm, {written: ALWAYS, "effect": {0: 1, 1: 1}}, now=4) == ALARM
        assert state_of(alarm, {written: ALWAYS, "effect": dict.fromkeys(range(10), 1.0)}, now=10) == OK, "on its way"
        assert state_of(alarm, {written: {3: 1.0, 9: 2.0}, "effect": {3: 1.0, 9: 1.0}}, now=10) == OK
        assert state_of(alarm, {written: {9: 1.0, 10: 1.0}, "effect": {}}, now=10) == OK, "not long enough"


def test_what_is_counted_as_written_and_as_read(cloud: Synthesized) -> None:
    """Successful requests only: a failed condition writes nothing, and nobody has to read it."""
    for alarm in on_expressions(cloud, "NotReading"):
        for each in alarm["Metrics"]:
            if each["Id"] == "effect":
                assert each["MetricStat"]["Metric"]["MetricName"] == "Invocations"
                assert each["MetricStat"]["Stat"] == "Sum"
            elif "MetricStat" in each:
                counted = each["MetricStat"]["Metric"]["MetricName"], each["MetricStat"]["Stat"]
                of_table, of_stream = ("SuccessfulRequestLatency", "SampleCount"), ("IncomingRecords", "Sum")
                assert counted == (of_stream if "-Projections-" in alarm["AlarmName"] else of_table)
            assert each.get("MetricStat", {}).get("Period", 300) == 300


def test_an_error_of_any_operation_of_any_table_is_heard(cloud: Synthesized) -> None:
    alarms = on_expressions(cloud, "SystemErrors")
    assert len(alarms) == 3
    for alarm in alarms:
        operations = [each["Id"] for each in alarm["Metrics"] if "MetricStat" in each]
        assert state_of(alarm, {}, now=10) == OK
        for each in operations:
            assert state_of(alarm, {each: {10: 1.0}}, now=10) == ALARM


def test_an_alarm_on_a_table_ends_when_nothing_happens_any_more(cloud: Synthesized) -> None:
    """CloudWatch keeps the state of an alarm on AWS/DynamoDB while data is missing, whatever TreatMissingData says.

    A count of what goes wrong has no data afterwards. So the alarm would stay on, and the next time change nothing.
    Source: Amazon CloudWatch API Reference, "PutMetricAlarm".
    """
    alarms = [*on_expressions(cloud, "SystemErrors"), *on_expressions(cloud, "sThrottled")]
    names = {each["AlarmName"] for each in alarms}
    assert len(names) == 11
    assert {name for name in of_tables(cloud) if not name.endswith(("-NotReading", "-TableThrottled"))} == names
    alarms += on_expressions(cloud, "-TableThrottled")
    assert len(alarms) == 11 + len(PROJECTIONS)
    for alarm in alarms:
        for each in (each["Id"] for each in alarm["Metrics"] if "MetricStat" in each):
            assert state_of(alarm, {each: {5: 1.0}}, now=5) == ALARM
            assert None not in points_of(alarm, {each: {5: 1.0}}, now=20), "nothing would end it"


def of_tables(environment: Synthesized) -> set[str]:
    """The names of the alarms that look at a metric of DynamoDB."""
    return {
        each.by for each in used(environment) if each.namespace == "AWS/DynamoDB" and each.by.startswith("Daybook-")
    }
