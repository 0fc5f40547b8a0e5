"""Streams in a DynamoDB table: consistent queries, and conditional writes that are retried when in doubt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol

from botocore.exceptions import ClientError

from lambdas.eventsourcing import dynamodb_schema as schema
from lambdas.eventsourcing.dynamodb_conflicts import resolve
from lambdas.eventsourcing.dynamodb_faults import FAILURES, Failure, Fault, classify, code_of, is_validation
from lambdas.eventsourcing.dynamodb_items import InboxTable, Item, item_to_row
from lambdas.eventsourcing.dynamodb_writes import Tables, WritingClient, prepare
from lambdas.eventsourcing.errors import CommitInvalidError, NotAppliedError, OutcomeUnknownError, ReadUnavailableError
from lambdas.eventsourcing.limits import check_limits
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.store import C, Page
from lambdas.eventsourcing.transport import acknowledged

MAX_ATTEMPTS = 8


class DynamoDBClient(WritingClient, Protocol):
    """The methods of boto3's low-level DynamoDB client that are used here.

    It must not retry by itself (`total_max_attempts` 1), so that the store sees every attempt in doubt, and
    keep an attempt within `retry.ATTEMPT_SECONDS` (`dynamodb_client()` does).
    """

    def query(self, **kwargs: Any) -> Mapping[str, Any]: ...


class DynamoDBEventStore:
    """An EventStore on an event table. Receipts can only be put with a `receipt_table`, and stored commands only be
    completed with an `inbox`.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        *,
        event_table: str,
        receipt_table: str | None = None,
        inbox: InboxTable | None = None,
        backoff: Backoff | None = None,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> None:
        self._client = client
        self._tables = Tables(event_table, receipt_table, inbox)
        self._backoff = backoff or Backoff()
        self._max_attempts = max_attempts

    def read(
        self,
        stream_id: str,
        *,
        after: int = 0,
        up_to: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        deadline: Deadline,
    ) -> Page:
        """See EventStore.read: one strongly consistent Query, retried when it fails for a transient reason."""
        if up_to is not None and up_to <= after:
            return Page([], more=False)  # DynamoDB refuses a range with its bounds reversed
        request = self._query(stream_id, after, up_to)
        request["ScanIndexForward"] = not newest_first
        if limit is not None:
            request["Limit"] = limit
        attempt = 0
        if not deadline.allows_attempt():
            raise ReadUnavailableError("no time is left to send the query")
        while True:
            attempt += 1
            try:
                answer = acknowledged(self._client.query(**request))
            except FAILURES as error:
                if classify(error) is Fault.FATAL:
                    raise
                if not self._may_retry(attempt, deadline):
                    raise ReadUnavailableError(f"query failed {attempt} times: {error}") from error
                self._backoff.pause(attempt)
            else:
                rows = [item_to_row(item) for item in answer["Items"]]
                return Page(rows, more=_more(answer, after, up_to, newest_first=newest_first))

    def commit(self, build: Callable[[], C], *, deadline: Deadline) -> C:
        """See EventStore.commit. Every attempt writes at the same versions; after doubt, the same rows."""
        commit, send = self._prepare(build)
        if not deadline.allows_attempt():
            raise NotAppliedError("no time is left to send the commit")
        in_doubt = False
        attempt = 0
        while True:
            attempt += 1
            try:
                acknowledged(send())
            except FAILURES as error:
                fault = classify(error)
                if fault is Fault.CONDITION and isinstance(error, ClientError):
                    resolve(error, commit, self._tables, in_doubt=in_doubt)
                    return commit
                in_doubt = in_doubt or fault is Fault.UNKNOWN
                if fault is Fault.FATAL or not self._may_retry(attempt, deadline):
                    _give_up(error, attempt, fault, in_doubt=in_doubt)
                self._backoff.pause(attempt)
                if not in_doubt:
                    commit, send = self._prepare(build)
            else:
                return commit

    def _prepare(self, build: Callable[[], C]) -> tuple[C, Callable[[], Mapping[str, Any]]]:
        """A commit and what sends it. Raises CommitTooLargeError."""
        commit = build()
        check_limits(commit)
        return commit, prepare(self._client, self._tables, commit)

    def _may_retry(self, attempt: int, deadline: Deadline) -> bool:
        return attempt < self._max_attempts and deadline.allows_attempt()

    def _query(self, stream_id: str, after: int, up_to: int | None) -> dict[str, Any]:
        names = {"#s": schema.EVENT_TABLE_HASH_KEY}
        values: Item = {":s": {"S": stream_id}}
        condition = "#s = :s"
        if after or up_to is not None:
            names["#v"] = schema.EVENT_TABLE_RANGE_KEY
            values[":first"] = {"N": str(after + 1)}
            condition += " AND #v >= :first"
            if up_to is not None:
                values[":last"] = {"N": str(up_to)}
                condition = "#s = :s AND #v BETWEEN :first AND :last"
        return {
            "TableName": self._tables.events,
            "ConsistentRead": True,
            "ReturnConsumedCapacity": "TOTAL",
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }


def _more(answer: Mapping[str, Any], after: int, up_to: int | None, *, newest_first: bool) -> bool:
    """Whether the range has rows after this page. DynamoDB also gives a key when the last row met the limit."""
    if "LastEvaluatedKey" not in answer:
        return False
    version = int(answer["LastEvaluatedKey"][schema.EVENT_TABLE_RANGE_KEY]["N"])
    return version > after + 1 if newest_first else up_to is None or version < up_to


def _give_up(error: Failure, attempts: int, fault: Fault, *, in_doubt: bool) -> NoReturn:
    if in_doubt:
        raise OutcomeUnknownError(f"no certain answer in {attempts} attempts: {error}") from error
    if is_validation(error):
        raise CommitInvalidError(f"the store refuses the commit as invalid: {code_of(error)}") from error
    if fault is Fault.FATAL:
        raise error
    raise NotAppliedError(f"refused {attempts} times: {error}") from error
