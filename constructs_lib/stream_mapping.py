"""Delivers a stream to a function, with bounded retries. A failed batch goes to a dead-letter bucket."""

import json
from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_lambda import CfnEventSourceMapping
from constructs import Construct

from constructs_lib.private_bucket import PrivateBucket
from constructs_lib.python_function import PythonFunction

MAPPING_PREFIX = "aws/lambda/"
"""Where Lambda writes failed batches. Source: Lambda Developer Guide, "Retaining discarded batches"."""
NO_BOUND = -1
"""With this age Lambda drops no record because of its age."""


class StreamMapping(Construct):
    """Delivers every record of each shard in order, one batch at a time, from the oldest one within the retention.

    `source_arn` is a table's stream, a Kinesis stream, or a consumer of one. With `patterns`, only records that match
    one of them; Lambda skips the others without an invocation. A batch that fails is retried and halved until
    `retries` or `record_age_seconds` (None: no bound) is reached; then the whole records go to the dead-letter bucket
    `parking`. Retries block their shard. The role of `function` must be allowed to read the stream and to put objects
    below MAPPING_PREFIX of `parking`. With `enabled` false it delivers nothing and keeps its place, as long as the
    stream keeps the records.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        source_arn: str,
        function: PythonFunction,
        parking: PrivateBucket,
        batch_size: int,
        batch_window: Duration,
        retries: int,
        record_age_seconds: int | None,
        patterns: Sequence[Mapping[str, object]] = (),
        enabled: bool = True,
    ) -> None:
        super().__init__(scope, construct_id)
        self.mapping = CfnEventSourceMapping(
            self,
            "Mapping",
            event_source_arn=source_arn,
            enabled=enabled,
            function_name=function.live.function_arn,
            starting_position="TRIM_HORIZON",
            filter_criteria=_criteria(patterns) if patterns else None,
            batch_size=batch_size,
            maximum_batching_window_in_seconds=int(batch_window.to_seconds()),
            parallelization_factor=1,
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=retries,
            maximum_record_age_in_seconds=NO_BOUND if record_age_seconds is None else record_age_seconds,
            destination_config=CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=CfnEventSourceMapping.OnFailureProperty(destination=parking.bucket.bucket_arn)
            ),
            metrics_config=CfnEventSourceMapping.MetricsConfigProperty(metrics=["EventCount"]),
        )
        policy = function.role.node.try_find_child("DefaultPolicy")
        if policy is not None:  # the mapping is refused while its role may not read the stream
            self.mapping.node.add_dependency(policy)

    def metric_parked(self) -> Metric:
        """The number of records of failed batches that Lambda wrote to the dead-letter bucket."""
        return self._metric("OnFailureDestinationDeliveredEventCount")

    def metric_given_up(self) -> Metric:
        """The number of records of failed batches, written to the dead-letter bucket or not."""
        return self._metric("DroppedEventCount")

    def _metric(self, name: str) -> Metric:
        return Metric(
            namespace="AWS/Lambda",
            metric_name=name,
            dimensions_map={"EventSourceMappingUUID": self.mapping.ref},
        )


def _criteria(patterns: Sequence[Mapping[str, object]]) -> CfnEventSourceMapping.FilterCriteriaProperty:
    filters = [CfnEventSourceMapping.FilterProperty(pattern=json.dumps(each)) for each in patterns]
    return CfnEventSourceMapping.FilterCriteriaProperty(filters=filters)
