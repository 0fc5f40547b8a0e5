"""Batches that Lambda could not process and wrote to the dead-letter (parking) bucket.

Source of the format: AWS Lambda Developer Guide, "Retaining discarded batches" (S3): an object
`aws/lambda/<mapping>/<shard>/YYYY/MM/DD/…` is a JSON document about the invocation with the whole event as `payload`,
which may be the event itself or its JSON text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from botocore.exceptions import ClientError

from lambdas.inbox.stream_records import MalformedRecordError, StreamRecord, is_new_command, key_of

PREFIX = "aws/lambda/"
"""The prefix of the keys that Lambda gives the objects."""


class ParkedObjectError(Exception):
    """An object is not a parked batch. The message never quotes it."""


class ParkedObjectGoneError(Exception):
    """An object has been deleted: whoever did it had its commands carried out."""


class S3Client(Protocol):
    """The method of boto3's low-level S3 client that is used here."""

    def get_object(self, **kwargs: Any) -> Mapping[str, Any]: ...


class ParkedBatch(msgspec.Struct, frozen=True):
    """The records of commands in a parked batch, in its order; each has keys.

    `malformed` names records that are not as documented by their places, from 1, and says what is wrong with them.
    """

    commands: list[StreamRecord]
    malformed: list[str]


class _Event(msgspec.Struct):
    Records: list[Any]


class _Parked(msgspec.Struct):
    payload: msgspec.Raw


def read_parked(client: S3Client, bucket: str, key: str) -> ParkedBatch:
    """The commands in a parked batch.

    Raises ParkedObjectGoneError, which S3 tells only to who may list the bucket (Amazon S3 API Reference, GetObject:
    others are answered 403), ParkedObjectError, ClientError, BotoCoreError.
    """
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if not is_gone(error):
            raise
        raise ParkedObjectGoneError(key) from None
    return parked_batch(answer["Body"].read())


def is_gone(error: Exception) -> bool:
    """Whether S3 says that there is no such object."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "NoSuchKey"


def parked_batch(content: bytes) -> ParkedBatch:
    """The commands in a parked batch; a malformed record hides none beside it. Raises ParkedObjectError."""
    batch = ParkedBatch([], [])
    for place, record in enumerate(batch_records(content), start=1):
        try:
            if is_new_command(record):
                key_of(record)
                batch.commands.append(record)
        except MalformedRecordError as error:
            batch.malformed.append(f"record {place}: {error}")
    return batch


def batch_records(content: bytes) -> list[Any]:
    """All records of a parked batch of any stream, in its order, whatever each is. Raises ParkedObjectError."""
    try:
        payload: bytes | str = bytes(msgspec.json.decode(content, type=_Parked).payload)
        if payload[:1] == b'"':
            payload = msgspec.json.decode(payload, type=str)
        return msgspec.json.decode(payload, type=_Event).Records
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ParkedObjectError(f"the object holds no event of a stream: {type(error).__name__}") from None
