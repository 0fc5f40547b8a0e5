"""A dead-letter (parking) bucket: records that a function refused, and whole batches that failed in all retries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from cli.errors import UnavailableError, plain
from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.inbox.parked_objects import is_gone

S3: TypeAlias = Any
"""boto3's low-level S3 client."""


class GoneError(UnavailableError):
    """The object was deleted meanwhile."""


class ParkingBucket:
    """The dead-letter (parking) bucket. Every call raises UnavailableError."""

    def __init__(self, client: S3, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keys(self, prefix: str) -> list[str]:
        """All keys below a prefix. Within a folder shorter names come first, so that version 9 is before 10."""
        with _asking():
            return sorted(self._listed(prefix), key=_place)

    def _listed(self, prefix: str) -> Iterator[str]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            yield from (each["Key"] for each in page.get("Contents", []))

    def read(self, key: str) -> bytes:
        """The content of an object. Raises GoneError if somebody has deleted it since it was listed."""
        with _asking():
            return bytes(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def delete(self, key: str) -> None:
        """Delete an object; the bucket keeps it as a noncurrent version for a while."""
        with _asking():
            self._client.delete_object(Bucket=self._bucket, Key=key)


def _place(key: str) -> tuple[str, int, str]:
    folder, _, name = key.rpartition("/")
    return folder, len(name), name


@contextmanager
def _asking() -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        if is_gone(error):
            raise GoneError("The object is gone.") from error
        raise UnavailableError(f"The parking bucket does not answer: {plain(error)}.") from error
