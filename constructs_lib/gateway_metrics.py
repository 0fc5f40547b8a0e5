"""Counts what a REST API's access log shows and none of the gateway's own metrics tells apart.

`4XXError` counts every 4xx, and `5XXError` every 5xx, whoever answered it. The access log says who: `$context.error`
is there for what the gateway answers itself, and else a hyphen.
Sources: API Gateway Developer Guide, "Variables for access logging for API Gateway" and "Amazon API Gateway dimensions
and metrics"; CloudWatch Logs User Guide, "Filter pattern syntax" and "Creating metrics from log events using filters".
"""

from collections.abc import Mapping

from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_logs import FilterPattern, ILogGroup, MetricFilter
from constructs import Construct

STATUS, ANSWERED_BY_GATEWAY = "status", "responseType"
"""Fields of the access log: the answer's status, and the type of the gateway's own answer, else a hyphen."""

THROTTLED = f'($.{STATUS} = "429") && ($.{ANSWERED_BY_GATEWAY} != "-")'
"""More requests than the stage takes, or the account."""
FAILED = f'($.{STATUS} = "5*") && ($.{ANSWERED_BY_GATEWAY} != "-")'
"""The gateway had no answer from what is behind it: a crash, a timeout, a missing permission."""


class GatewayMetrics(Construct):
    """Two metrics in `namespace`. `dimensions` are fields of the access log, and their values in every line."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        access_log: ILogGroup,
        namespace: str,
        dimensions: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._access_log = access_log
        self._namespace = namespace
        self._dimensions = dict(dimensions)
        self.throttled = self._count("RequestsThrottled", THROTTLED)
        self.failed = self._count("GatewayErrors", FAILED)

    def _count(self, name: str, pattern: str) -> Metric:
        fields = {each: f"$.{each}" for each in self._dimensions}
        there = "".join(f' && ({field} = "*")' for field in fields.values())
        MetricFilter(
            self,
            name,
            log_group=self._access_log,
            filter_pattern=FilterPattern.literal(f"{{ {pattern}{there} }}"),
            metric_namespace=self._namespace,
            metric_name=name,
            metric_value="1",
            dimensions=fields,
        )
        return Metric(namespace=self._namespace, metric_name=name, dimensions_map=self._dimensions)
