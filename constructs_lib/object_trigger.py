"""A function that is invoked for every new object of a bucket, and a dead-letter queue for invocations that failed."""

from aws_cdk import Acknowledgment, Duration, Validations
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_events import EventPattern, Rule
from aws_cdk.aws_events_targets import LambdaFunction
from aws_cdk.aws_iam import Grant
from aws_cdk.aws_lambda import CfnEventInvokeConfig
from aws_cdk.aws_sqs import Queue, QueueEncryption
from constructs import Construct

from constructs_lib.private_bucket import PrivateBucket
from constructs_lib.python_function import LIVE_ALIAS, PythonFunction

KEEP_DEAD_LETTERS = Duration.days(14)
"""The longest a queue keeps a message."""
FUNCTION_RETRIES = 2
"""The most that Lambda makes for an asynchronous invocation: one and two minutes after the first attempt."""


class ObjectTrigger(Construct):
    """Sends `Object Created` events below `prefix` of `bucket` to `function`. The bucket must announce its objects.

    EventBridge retries until Lambda has taken the event, for `max_age`; Lambda then retries a function that raises.
    After the last retry of either, a pointer to the object goes to the dead-letter queue. Delivery is at least once.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: PrivateBucket,
        prefix: str,
        function: PythonFunction,
        max_age: Duration,
    ) -> None:
        super().__init__(scope, construct_id)
        self._dead_letters = Queue(
            self,
            "DeadLetters",
            encryption=QueueEncryption.SQS_MANAGED,  # EventBridge could use a key of our own only by the key's policy
            enforce_ssl=True,
            retention_period=KEEP_DEAD_LETTERS,
        )
        Validations.of(self._dead_letters).acknowledge(
            Acknowledgment(id="AwsSolutions-SQS3", reason="This is a dead-letter queue: it needs none of its own.")
        )
        self._invoke_within(function, max_age)
        Rule(
            self,
            "Rule",
            event_pattern=EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [bucket.bucket.bucket_name]}, "object": {"key": [{"prefix": prefix}]}},
            ),
            targets=[LambdaFunction(function.live, dead_letter_queue=self._dead_letters, max_event_age=max_age)],
        )

    def _invoke_within(self, function: PythonFunction, max_age: Duration) -> None:
        Grant.add_to_principal(
            grantee=function.role, actions=["sqs:SendMessage"], resource_arns=[self._dead_letters.queue_arn]
        )
        config = CfnEventInvokeConfig(
            self,
            "Invocation",
            function_name=function.function.function_name,
            qualifier=LIVE_ALIAS,
            maximum_event_age_in_seconds=int(max_age.to_seconds()),
            maximum_retry_attempts=FUNCTION_RETRIES,
            destination_config=CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=CfnEventInvokeConfig.OnFailureProperty(destination=self._dead_letters.queue_arn)
            ),
        )
        config.node.add_dependency(function.live)
        policy = function.role.node.try_find_child("DefaultPolicy")
        if policy is not None:  # a destination is refused while the role may not send to it
            config.node.add_dependency(policy)

    def metric_dead_letters(self) -> Metric:
        """The number of messages in the dead-letter queue."""
        return self._dead_letters.metric_approximate_number_of_messages_visible()
