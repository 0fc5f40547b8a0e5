"""Says so when a key is disabled, or scheduled for deletion: without it, what it encrypts cannot be read."""

from collections.abc import Sequence

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk.aws_events import EventPattern, Rule
from aws_cdk.aws_events_targets import SqsQueue
from aws_cdk.aws_kms import IKey
from aws_cdk.aws_sqs import Queue, QueueEncryption
from constructs import Construct

from constructs_lib.alarms import alarm_on_any

ENDANGERING = ("DisableKey", "ScheduleKeyDeletion")
"""The two requests after which a key encrypts and decrypts nothing. Deletion waits for 7 to 30 days and can be
cancelled; while it waits, the key is of no use. Source: AWS KMS Developer Guide, "Key states of AWS KMS keys".
"""
KEEP = Duration.days(14)


class KeyWatch(Construct):
    """Puts the record of such a request about `keys` into a queue, and holds an alarm until somebody has emptied it.

    CloudTrail brings the requests to EventBridge, and only where a trail of the account or of its organization logs
    management events. Without one this says nothing. Data events are not needed.
    Source: EventBridge User Guide, "AWS service events delivered via AWS CloudTrail".

    The target is a queue with an alarm and not the alarms' topic: so there is one way to the topic, this has a state
    and an entry in the runbook as everything else has, and the topic's policy stays closed to all but CloudWatch.
    """

    def __init__(self, scope: Construct, construct_id: str, *, keys: Sequence[IKey]) -> None:
        super().__init__(scope, construct_id)
        self.queue = Queue(
            self,
            "Requests",
            encryption=QueueEncryption.SQS_MANAGED,  # a key of our own might be the one that is disabled
            enforce_ssl=True,
            retention_period=KEEP,
        )
        Validations.of(self.queue).acknowledge(
            Acknowledgment(id="AwsSolutions-SQS3", reason="Nobody takes messages from it but people: none can fail.")
        )
        Rule(
            self,
            "Rule",
            description="A key was disabled or scheduled for deletion",
            event_pattern=EventPattern(
                source=["aws.kms"],
                detail_type=["AWS API Call via CloudTrail"],
                detail={
                    "eventSource": ["kms.amazonaws.com"],
                    "eventName": list(ENDANGERING),
                    "resources": {"ARN": [each.key_arn for each in keys]},
                },
            ),
            targets=[SqsQueue(self.queue)],
        )
        alarm_on_any(
            self,
            "Endangered",
            metric=self.queue.metric_approximate_number_of_messages_visible(),
            description="A key of this environment was disabled or scheduled for deletion. Its data cannot be read.",
        )
