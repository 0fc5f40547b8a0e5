"""Looks whether an account that does not exist is about to be opened by a stored command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from lambdas.accounts.commands import COMMANDS, OpenAccount
from lambdas.accounts.errors import InvalidFieldError
from lambdas.eventsourcing.dynamodb_faults import FAILURES, Fault, classify
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.transport import acknowledged
from lambdas.inbox import table
from lambdas.service.command_json import decode_command


class DynamoDBClient(Protocol):
    """The method of boto3's low-level DynamoDB client that is used here."""

    def query(self, **kwargs: Any) -> Mapping[str, Any]: ...


PAGES: Final = 4
"""Pages of 1 MB that are read at the most, for 256 capacity units each."""


class StoredOpenings:
    """The stored commands that open accounts, in the commands table."""

    def __init__(self, client: DynamoDBClient, commands_table: str) -> None:
        self._client = client
        self._table = commands_table

    def expected(self, account_id: str) -> bool:
        """Whether an account that was just not found will exist soon: a consistent Query of at most `PAGES` pages.

        An OpenAccount of it is PENDING or, if it was carried out meanwhile, SUCCEEDED. One behind more commands than
        these pages hold is not seen: else an account that never existed would be about to for ever. Raises
        ReadUnavailableError.
        """
        request: dict[str, Any] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "ReturnConsumedCapacity": "TOTAL",
            "KeyConditionExpression": "#account = :account",
            "FilterExpression": "#status = :pending OR #status = :succeeded",
            "ProjectionExpression": "#body",
            "ExpressionAttributeNames": {"#account": table.HASH_KEY, "#status": table.STATUS, "#body": table.BODY},
            "ExpressionAttributeValues": {
                ":account": {"S": account_id},
                ":pending": {"S": table.PENDING},
                ":succeeded": {"S": table.SUCCEEDED},
            },
        }
        for _ in range(PAGES):
            try:
                answer = acknowledged(self._client.query(**request))
            except FAILURES as error:
                if classify(error) is Fault.FATAL:
                    raise
                raise ReadUnavailableError(f"the commands of {account_id} could not be read: {error}") from error
            if _any_opening(answer["Items"]):
                return True
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return False


def _any_opening(items: Iterable[Mapping[str, Any]]) -> bool:
    return any(_is_opening(bytes(item[table.BODY]["B"])) for item in items if table.BODY in item)


def _is_opening(body: bytes) -> bool:
    try:
        return isinstance(decode_command(body, *COMMANDS), OpenAccount)
    except InvalidFieldError:
        return False
