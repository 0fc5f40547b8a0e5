"""Starts a walk over segments on a schedule."""

import json

from aws_cdk import Duration
from constructs import Construct

from constructs_lib.schedule import Schedule
from constructs_lib.segment_walk import SegmentWalk

EXECUTION_ID = "<aws.scheduler.execution-id>"
"""What the scheduler puts an id of its own for, another one at each attempt.

Source: EventBridge Scheduler User Guide, "Adding context attributes in EventBridge Scheduler".
"""


class WalkSchedule(Schedule):
    """Each execution is a run of its own, over `segments` segments, of generation 0: it builds nothing."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        walk: SegmentWalk,
        segments: int,
        expression: str,
        description: str,
    ) -> None:
        given = {
            "generation": 0,
            "rebuild": EXECUTION_ID,
            "segments": [{"segment": each} for each in range(segments)],
            "count": segments,
        }
        super().__init__(
            scope,
            construct_id,
            target_arn=walk.arn,
            action="states:StartExecution",
            payload=json.dumps(given),
            expression=expression,
            description=description,
            retries=10,
            max_age=Duration.hours(1),
        )
