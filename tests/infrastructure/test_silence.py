"""Alarms on silence call when something that came no longer comes, and not before it came for the first time."""

from typing import Any

import pytest

from tests.infrastructure.synthesis import Synthesized
from tests.support.alarm_evaluation import ALARM, INSUFFICIENT_DATA, OK, state

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
    [found] = [each for each in silences(anywhere) if each["MetricName"] == "Invocations"]
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
