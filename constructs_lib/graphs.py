"""Graphs of a dashboard, all of one size and form."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import GraphWidget, HorizontalAnnotation, IMetric, Metric, Stats, YAxisProps

WIDTH, HEIGHT = 8, 6
"""Three in a row of 24 columns."""


def graph(title: str, *series: IMetric, unit: str, limit: float | None = None) -> GraphWidget:
    """Lines over time, from 0 upwards. `limit` is a line across: above it an alarm goes off, or a quota ends."""
    limits: Sequence[HorizontalAnnotation] = [] if limit is None else [HorizontalAnnotation(value=limit)]
    return GraphWidget(
        title=title,
        left=list(series),
        left_y_axis=YAxisProps(min=0, label=unit, show_units=False),
        left_annotations=limits,
        width=WIDTH,
        height=HEIGHT,
    )


def total(metric: Metric, label: str) -> Metric:
    """What `metric` adds up to, in each period of the graph."""
    return metric.with_(statistic=Stats.SUM, label=label)


def worst(metric: Metric, label: str) -> Metric:
    """The largest value of `metric` in each period of the graph."""
    return metric.with_(statistic=Stats.MAXIMUM, label=label)


def percentile(metric: Metric, percent: int) -> Metric:
    """What so many percent of the values of `metric` do not exceed."""
    return metric.with_(statistic=f"p{percent}", label=f"p{percent}", period=Duration.minutes(5))
