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
