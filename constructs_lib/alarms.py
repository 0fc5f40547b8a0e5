"""Alarms on things that should not happen at all."""

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import Alarm, ComparisonOperator, Metric, Stats, TreatMissingData
from constructs import Construct


def alarm_on_any(scope: Construct, construct_id: str, *, metric: Metric, description: str) -> Alarm:
    """An alarm as soon as `metric` counts one within five minutes. No data means nothing happened."""
    return Alarm(
        scope,
        construct_id,
        metric=metric.with_(statistic=Stats.SUM, period=Duration.minutes(5)),
        alarm_description=description,
        comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=1,
        evaluation_periods=1,
        treat_missing_data=TreatMissingData.NOT_BREACHING,
    )


def alarm_above(scope: Construct, construct_id: str, *, metric: Metric, threshold: float, description: str) -> Alarm:
    """An alarm when the maximum of `metric` in five minutes is above `threshold` twice in a row."""
    return Alarm(
        scope,
        construct_id,
        metric=metric.with_(statistic=Stats.MAXIMUM, period=Duration.minutes(5)),
        alarm_description=description,
        comparison_operator=ComparisonOperator.GREATER_THAN_THRESHOLD,
        threshold=threshold,
        evaluation_periods=2,
        treat_missing_data=TreatMissingData.NOT_BREACHING,
    )


def alarm_on_silence(scope: Construct, construct_id: str, *, metric: Metric, hours: int, description: str) -> Alarm:
    """An alarm when `metric` has counted nothing in each of the last `hours` hours. No data counts as nothing."""
    return Alarm(
        scope,
        construct_id,
        metric=metric.with_(statistic=Stats.SUM, period=Duration.hours(1)),
        alarm_description=description,
        comparison_operator=ComparisonOperator.LESS_THAN_THRESHOLD,
        threshold=1,
        evaluation_periods=hours,
        treat_missing_data=TreatMissingData.BREACHING,
    )
