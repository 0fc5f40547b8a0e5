"""Writes records that cannot be published to the dead-letter (parking) bucket: one whole record per object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Protocol

from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.publishing.stream_records import Unpublishable, encoded

PREFIX = "publisher/"


class ParkingError(Exception):
    """A record could not be parked."""


class S3Client(Protocol):
    """The method of boto3's low-level S3 client that is used here."""

    def put_object(self, **kwargs: Any) -> Mapping[str, Any]: ...


class ParkingPlace:
    """Writes dead letters to `publisher/<stream_id>/<version>.json`. Idempotent: a retry writes the same object.

    An object holds the reason, and the record as an event that the function can be invoked with after the cause is
    fixed: `{"Records": [record], "reason": "…"}`.
    """

    def __init__(self, connect: Callable[[], S3Client], *, bucket: str) -> None:
        """`connect` is called for the first dead letter: these are rare, and building a client takes long."""
        self._client = cache(connect)
        self._bucket = bucket

    def park(self, parked: Unpublishable) -> str:
        """Write a record to the bucket and return the key of its object. Raises ParkingError."""
        key = f"{PREFIX}{parked.name}.json"
        body = encoded({"Records": [parked.record], "reason": parked.reason})
        try:
            self._client().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        except FAILURES as error:
            raise ParkingError(str(error)) from error
        return key
