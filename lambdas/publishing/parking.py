"""Where records go that cannot become domain events: whole, one object each, so that they can be sent again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

import msgspec

from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.publishing.stream_records import Unpublishable

PREFIX = "publisher/"


class ParkingError(Exception):
    """A record could not be parked."""


class S3Client(Protocol):
    """The call used of boto3's low-level S3 client."""

    def put_object(self, **kwargs: Any) -> Mapping[str, Any]: ...


class ParkingPlace:
    """Objects `publisher/<stream_id>/<version>.json`; parking a record again writes the same object again.

    An object is the event with which the function can be invoked again once the cause is gone, and says the cause:
    `{"Records": [record], "reason": "…"}`.
    """

    def __init__(self, connect: Callable[[], S3Client], *, bucket: str) -> None:
        """`connect` is called when the first record is parked: it is rare, and building a client takes long."""
        self._client = cache(connect)
        self._bucket = bucket

    def park(self, parked: Unpublishable) -> str:
        """Keep a record; its key in the bucket. Raises ParkingError."""
        key = f"{PREFIX}{parked.name}.json"
        body = msgspec.json.encode({"Records": [parked.record], "reason": parked.reason})
        try:
            self._client().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        except FAILURES as error:
            raise ParkingError(str(error)) from error
        return key
