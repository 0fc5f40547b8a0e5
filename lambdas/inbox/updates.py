"""Updates of single rows of the commands table, which a transaction on the same row may hold up.

Source: Amazon DynamoDB Developer Guide, "Amazon DynamoDB Transactions: How it works" ("Transaction conflict handling"):
an UpdateItem of an item in an ongoing transaction is rejected as TransactionConflictException, and nothing is written.
botocore does not retry it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError

from lambdas.eventsourcing.retry import Backoff
from lambdas.eventsourcing.transport import acknowledged

MAX_ATTEMPTS = 8
"""With their pauses less than three seconds; a transaction takes milliseconds."""


class UpdatingClient(Protocol):
    """The method of boto3's low-level DynamoDB client that is used here."""

    def update_item(self, **kwargs: Any) -> Mapping[str, Any]: ...


def is_conflict(error: Exception) -> bool:
    """Whether a transaction on the same row was in the way."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == (
        "TransactionConflictException"
    )


def update_row(client: UpdatingClient, request: Mapping[str, Any], backoff: Backoff) -> None:
    """Send an UpdateItem, which asks for its capacity, again while transactions are in the way.

    Raises ClientError, BotoCoreError.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            acknowledged(client.update_item(**request))
        except ClientError as error:
            if attempt == MAX_ATTEMPTS or not is_conflict(error):
                raise
        else:
            return
        backoff.pause(attempt)
