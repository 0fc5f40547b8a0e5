"""Tells a topic of SNS of each checkpoint, for whoever keeps them outside the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.transparency.errors import LogUnavailableError


class SNSClient(Protocol):
    """The method of boto3's low-level SNS client that is used here. It retries by itself."""

    def publish(self, **kwargs: Any) -> Mapping[str, Any]: ...


class SNSAnnouncer:
    """An Announcer. The message is the checkpoint as it is: a signed note is text in UTF-8."""

    def __init__(self, client: SNSClient, topic: str) -> None:
        """`topic` is its ARN."""
        self._client = client
        self._topic = topic

    def tell(self, checkpoint: bytes) -> None:
        """See Announcer.tell."""
        try:
            answer = self._client.publish(TopicArn=self._topic, Message=checkpoint.decode())
        except FAILURES as error:
            raise LogUnavailableError(f"could not tell {self._topic} of a checkpoint: {error}") from error
        if "MessageId" not in answer:  # an answer counts only if it is one
            raise LogUnavailableError(
                f"could not tell {self._topic} of a checkpoint: what came back is no answer of SNS"
            )
