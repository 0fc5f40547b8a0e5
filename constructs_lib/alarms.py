"""Alarms on things that should not happen, and on things that should happen and do not.

Source: Amazon CloudWatch User Guide, "Using Amazon CloudWatch alarms", "Configuring how CloudWatch alarms treat missing
data", and for missing values in an expression "Using metric math".
"""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import (
    Alarm,
    ComparisonOperator,
    IMetric,
    MathExpression,
    Metric,
    Stats,
    TreatMissingData,
)
from constructs import Construct

MINUTES = Duration.minutes(5)
"""The period of all alarms but those on silence."""

HOUR = Duration.hours(1)


def alarm_on_any(scope: Construct, construct_id: str, *, metric: Metric, description: str, periods: int = 1) -> Alarm:
    """An alarm as soon as `metric` counts one within five minutes. No data means nothing happened.

    With `periods`, only if that goes on for so many times five minutes.
    """
    return Alarm(
        scope,
        construct_id,
        metric=metric.with_(statistic=Stats.SUM, period=MINUTES),
        alarm_description=description,
        comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=1,
        evaluation_periods=periods,
        treat_missing_data=TreatMissingData.NOT_BREACHING,
    )


def alarm_on_any_of(scope: Construct, construct_id: str, *, metrics: Mapping[str, Metric], description: str) -> Alarm:
    """The same for the sum of `metrics`, by names that are words in an expression. Up to ten of them.

    FILL leaves no value missing, as metrics of DynamoDB need it: CloudWatch keeps the state of an alarm on them while
    data is missing, whatever the alarm says. Once on, it would stay on, and the next time tell nobody.
    Source: Amazon CloudWatch API Reference, "PutMetricAlarm", `TreatMissingData`.
    """
    return Alarm(
        scope,
        construct_id,
        metric=_sum(metrics, label=construct_id, period=MINUTES, filled=True),
        alarm_description=description,
        comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=1,
        evaluation_periods=1,
        treat_missing_data=TreatMissingData.NOT_BREACHING,
    )


def alarm_above(
    scope: Construct,
    construct_id: str,
    *,
    metric: Metric,
    threshold: float,
    description: str,
    statistic: str = Stats.MAXIMUM,
    periods: int = 2,
) -> Alarm:
    """An alarm when a statistic of `metric` in five minutes is above `threshold` so many times in a row."""
    return Alarm(
        scope,
        construct_id,
        metric=metric.with_(statistic=statistic, period=MINUTES),
        alarm_description=description,
        comparison_operator=ComparisonOperator.GREATER_THAN_THRESHOLD,
        threshold=threshold,
        evaluation_periods=periods,
        treat_missing_data=TreatMissingData.NOT_BREACHING,
    )


def alarm_on_silence(
    scope: Construct,
    construct_id: str,
    *,
    metric: Metric,
    periods: int,
    period: Duration | None = None,
    description: str,
) -> Alarm:
    """An alarm when `metric`, which counts something that comes again and again, has no data for `periods` of `period`.

    It begins to watch with the first data point, so it says nothing after the first deployment: until then its state
    is INSUFFICIENT_DATA, where every alarm begins, and CloudWatch acts on changes of state only. Later missing data
    changes the state from OK back to INSUFFICIENT_DATA, which is this alarm's call: `notify_of_every_alarm` has it
    heard, as for every alarm whose missing data counts as MISSING. `period` is an hour if not given.

    What never ran at all stays unheard here. Whoever needs that watches the starter, too.
    """
    counted = metric.with_(statistic=Stats.SUM, period=period or HOUR)
    return _silence(scope, construct_id, metric=counted, periods=periods, description=description)


def alarm_on_silence_of_all(
    scope: Construct, construct_id: str, *, metrics: Mapping[str, Metric], hours: int, description: str
) -> Alarm:
    """The same when none of `metrics`, by names that are words in an expression, has data for so many hours."""
    counted = _sum(metrics, label=construct_id, period=HOUR)
    return _silence(scope, construct_id, metric=counted, periods=hours, description=description)


def _silence(scope: Construct, construct_id: str, *, metric: IMetric, periods: int, description: str) -> Alarm:
    return Alarm(
        scope,
        construct_id,
        metric=metric,
        alarm_description=description,
        comparison_operator=ComparisonOperator.LESS_THAN_THRESHOLD,
        threshold=1,
        evaluation_periods=periods,
        treat_missing_data=TreatMissingData.MISSING,
    )


def _sum(metrics: Mapping[str, Metric], *, label: str, period: Duration, filled: bool = False) -> MathExpression:
    """Without a value where none of them has one, or 0 if `filled`."""
    counted = {name: each.with_(statistic=Stats.SUM, period=period) for name, each in metrics.items()}
    expression = " + ".join(f"FILL({name}, 0)" if filled else name for name in counted)
    return MathExpression(expression=expression, using_metrics=counted, label=label, period=period)


def alarm_on_unanswered(
    scope: Construct,
    construct_id: str,
    *,
    causes: Mapping[str, Metric],
    effect: Metric,
    description: str,
    periods: int = 3,
) -> Alarm:
    """An alarm when any of `causes` counts something and `effect` nothing, so many times five minutes in a row.

    Both metrics may be without data for nothing: metric math treats a missing value as 0 when it compares or adds time
    series. So the last comparison is one of two series: with a number it would leave a gap where data is missing.
    Several periods, because data of the newest one may still be on its way.
    """
    added = " + ".join(causes)
    return Alarm(
        scope,
        construct_id,
        metric=MathExpression(
            expression=f"(({added}) > 0) > (effect > 0)",
            using_metrics={**causes, "effect": effect},
            label="without an effect",
            period=MINUTES,
        ),
        alarm_description=description,
        comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        threshold=1,
        evaluation_periods=periods,
        treat_missing_data=TreatMissingData.NOT_BREACHING,
    )
