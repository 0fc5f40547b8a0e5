"""The log's objects in a bucket of S3.

Source of what conditions mean: Amazon S3 User Guide, "How to prevent object overwrites with conditional writes" (its
section "Conditional write behavior"), and the API Reference of PutObject. 412: the condition does not hold. 409
ConditionalRequestConflict: another request on the same key was under way, and this one is to be sent again. 404 in
answer to If-Match: the object is gone.

The client may send a put again after an attempt of which no answer came, and that attempt may have taken effect: then a
put that took effect is answered 412. So False says that an object stands there, and whoever asks reads which.
S3 says that an object does not exist only to whoever may list the bucket; to others it answers 403.

An answer counts only if it is one (`eventsourcing.transport`): each has a member that no answer of S3 lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.retry import Backoff
from lambdas.eventsourcing.transport import NoAnswerError
from lambdas.transparency.errors import LogUnavailableError
from lambdas.transparency.log_store import Stored

MAX_ATTEMPTS: Final = 5
"""How often a put is sent that meets another one, and an object is read of which the connection breaks on the way; and
either of them if what comes back is no answer of S3."""

_REFUSED: Final = {"PreconditionFailed"}
_MET_ANOTHER: Final = {"ConditionalRequestConflict", "OperationAborted"}
_GONE: Final = {"NoSuchKey"}


class S3Client(Protocol):
    """The methods of boto3's low-level S3 client that are used here. It retries by itself."""

    def get_object(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def put_object(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def list_objects_v2(self, **kwargs: Any) -> Mapping[str, Any]: ...


class S3LogStore:
    """A LogStore on a bucket that holds nothing else. Tags are S3's ETags."""

    def __init__(self, client: S3Client, bucket: str, *, backoff: Backoff | None = None) -> None:
        self._client = client
        self._bucket = bucket
        self._backoff = backoff or Backoff()

    def get(self, name: str) -> Stored | None:
        """See LogStore.get."""
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=name)
            except FAILURES as error:
                if _code(error) in _GONE:
                    return None
                raise self._unavailable("read", name, error) from error
            try:
                return Stored(_told(answer, "Body").read(), _told(answer, "ETag"))
            except BotoCoreError as error:  # the answer had begun: the client does not retry what breaks from here on
                if attempt >= MAX_ATTEMPTS:
                    raise self._unavailable("read", name, error) from error
                self._backoff.pause(attempt)

    def add(self, name: str, content: bytes, content_type: str) -> bool:
        """See LogStore.add. False also if an attempt of this call took effect and its answer was lost."""
        return self._put(name, content, content_type, {"IfNoneMatch": "*"})

    def replace(self, name: str, content: bytes, content_type: str, *, tag: str) -> bool:
        """See LogStore.replace. False as with `add`."""
        return self._put(name, content, content_type, {"IfMatch": tag} if tag else {"IfNoneMatch": "*"})

    def names(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """See LogStore.names: S3 lists in the order of the names' UTF-8 bytes. Each page is asked for when needed."""
        request = {"Bucket": self._bucket, "Prefix": prefix, **({"StartAfter": after} if after else {})}
        while True:
            try:
                page = self._client.list_objects_v2(**request)
                truncated = _told(page, "IsTruncated")
            except FAILURES as error:
                raise self._unavailable("list", prefix, error) from error
            yield from (each["Key"] for each in page.get("Contents", []))
            if not truncated:
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    def _put(self, name: str, content: bytes, content_type: str, condition: Mapping[str, str]) -> bool:
        """A bucket under Object Lock takes no object without a checksum."""
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._client.put_object(
                    Bucket=self._bucket,
                    Key=name,
                    Body=content,
                    ContentType=content_type,
                    ChecksumAlgorithm="SHA256",
                    **condition,
                )
                _told(answer, "ETag")
            except FAILURES as error:
                code = _code(error)
                if code in _REFUSED or (code in _GONE and "IfMatch" in condition):
                    return False
                again = code in _MET_ANOTHER or isinstance(error, NoAnswerError)
                if not again or attempt >= MAX_ATTEMPTS:
                    raise self._unavailable("put", name, error) from error
                self._backoff.pause(attempt)
            else:
                return True

    def _unavailable(self, what: str, name: str, error: Exception) -> LogUnavailableError:
        return LogUnavailableError(f"could not {what} {name!r} in the bucket {self._bucket}: {error}")


def _told(answer: Mapping[str, Any], member: str) -> Any:
    """What every answer of S3 holds. Raises NoAnswerError."""
    if member not in answer:
        raise NoAnswerError(error=f"no {member}")
    return answer[member]


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
