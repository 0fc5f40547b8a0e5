"""Alarms and metrics of a DynamoDB table.

Source of names and dimensions: DynamoDB Developer Guide, "DynamoDB metrics and dimensions".
"""

from collections.abc import Sequence

from aws_cdk.aws_cloudwatch import Metric, Stats
from aws_cdk.aws_dynamodb import ITable
from constructs import Construct

from constructs_lib.alarms import alarm_on_any_of

NAMESPACE = "AWS/DynamoDB"


def succeeded(table: ITable, operation: str) -> Metric:
    """The number of requests of `operation` (say `PutItem`) that succeeded: failed conditions are none of them."""
    return Metric(
        namespace=NAMESPACE,
        metric_name="SuccessfulRequestLatency",
        dimensions_map={"TableName": table.table_name, "Operation": operation},
        statistic=Stats.SAMPLE_COUNT,
    )


def watch_throttles(scope: Construct, name: str, table: ITable, *, indexes: Sequence[str] = ()) -> None:
    """Alarms `<name>ReadsThrottled`, `<name>WritesThrottled`, and `<name>Index…` for indexes.

    They are not below the table's construct, so that they keep their names when another table takes its place.
    """
    for index in (None, *indexes):
        where = {"TableName": table.table_name, **({"GlobalSecondaryIndexName": index} if index else {})}
        what = f"The index {index} of a table" if index else "A table"
        for verb in ("Read", "Write"):
            throttled = Metric(namespace=NAMESPACE, metric_name=f"{verb}ThrottleEvents", dimensions_map=where)
            alarm_on_any_of(
                scope,
                f"{name}{'Index' if index else ''}{verb}sThrottled",
                metrics={"throttled": throttled},
                description=f"{what} throttles {verb.lower()}s: a partition is too busy, or a quota is used up.",
            )


def watch_any_throttle(scope: Construct, construct_id: str, table: ITable, *, indexes: Sequence[str]) -> None:
    """One alarm on throttled reads and writes of the table and its indexes, of which there are at most four."""
    metrics = {}
    for number, index in enumerate((None, *indexes)):
        where = {"TableName": table.table_name, **({"GlobalSecondaryIndexName": index} if index else {})}
        for verb in ("Read", "Write"):
            name = f"{verb.lower()}s{number}"
            metrics[name] = Metric(namespace=NAMESPACE, metric_name=f"{verb}ThrottleEvents", dimensions_map=where)
    alarm_on_any_of(
        scope,
        construct_id,
        metrics=metrics,
        description="A table or one of its indexes throttles: a partition is too busy, or a quota is used up.",
    )


def watch_system_errors(scope: Construct, name: str, table: ITable, *, operations: Sequence[str]) -> None:
    """The alarm `<name>SystemErrors`: DynamoDB answers one of `operations` with an error of its own (500)."""
    alarm_on_any_of(
        scope,
        f"{name}SystemErrors",
        metrics={
            f"{each[0].lower()}{each[1:]}": Metric(
                namespace=NAMESPACE,
                metric_name="SystemErrors",
                dimensions_map={"TableName": table.table_name, "Operation": each},
            )
            for each in operations
        },
        description="DynamoDB answered requests to a table with errors of its own. The service retries them.",
    )
