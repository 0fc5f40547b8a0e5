"""Whether an account that does not exist is about to be opened by a stored command: the query, on moto's DynamoDB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.inbox import table
from lambdas.inbox.openings import PAGES, StoredOpenings
from tests.support.command_gateway import ACCOUNT, TABLE, CommandGateway, Rows
from tests.support.fake_dynamodb import client_error

OTHER = "7b0d7a55-1c1b-4a51-8a51-0a5f5f0b8f11"
OPEN = b'{"currency": "EUR", "type": "OpenAccount"}'
CREDIT = b'{"type": "CreditAccount", "amount": 1}'


@pytest.fixture
def rows() -> Iterator[Rows]:
    with mock_aws():
        yield Rows()


def store(body: bytes, account_id: str = ACCOUNT, key: str = "1", caller: str = "AROAONE:a") -> None:
    """Store a command as the gateway does."""
    headers = [("Idempotency-Key", key)]
    assert (
        CommandGateway(TABLE, validated=False).post(body, headers, account_id=account_id, caller=caller).status == 202
    )


def end(rows: Rows, status: str) -> None:
    """Give every row this status."""
    for row in rows.all():
        rows.dynamodb.put_item(TableName=TABLE, Item=row | {table.STATUS: {"S": status}})


def expected(rows: Rows, account_id: str = ACCOUNT) -> bool:
    return StoredOpenings(rows.dynamodb, TABLE).expected(account_id)


@pytest.mark.parametrize(
    ("status", "soon"), [("PENDING", True), ("SUCCEEDED", True), ("REJECTED", False), ("FAILED", False)]
)
def test_an_opening_that_is_pending_or_was_just_carried_out(rows: Rows, status: str, *, soon: bool) -> None:
    """SUCCEEDED: between the look for the account and this one. Else an account that exists would be 404."""
    store(OPEN)
    end(rows, status)
    assert expected(rows) is soon
    assert expected(rows, OTHER) is False


@pytest.mark.parametrize("body", [CREDIT, b'{"type": "CloseAccount"}'])
def test_what_opens_nothing(rows: Rows, body: bytes) -> None:
    assert expected(rows) is False
    store(body)
    assert expected(rows) is False
    store(OPEN, key="2", caller="AROATWO:b")
    assert expected(rows) is True, "whoever opens it"


def test_a_body_that_is_no_command_is_no_opening(rows: Rows) -> None:
    for number, body in enumerate((b"{", b"\xff", b"[" * 50_000, json.dumps({"type": ["OpenAccount"]}).encode())):
        item = {"account_id": {"S": ACCOUNT}, "command_id": {"S": f"a/{number}"}, table.BODY: {"B": body}}
        rows.dynamodb.put_item(TableName=TABLE, Item=item | {table.STATUS: {"S": table.PENDING}})
    assert expected(rows) is False


def test_it_is_one_consistent_query(rows: Rows) -> None:
    store(OPEN)
    requests: list[dict[str, Any]] = []

    class Noting:
        def query(self, **request: Any) -> Any:
            requests.append(request)
            return rows.dynamodb.query(**request)

    assert StoredOpenings(Noting(), TABLE).expected(ACCOUNT)
    assert [(each["TableName"], each["ConsistentRead"]) for each in requests] == [(TABLE, True)]


def test_refused_commands_of_more_than_a_page_hide_no_opening_and_are_none(rows: Rows) -> None:
    """A page of DynamoDB ends at 1 MB before the filter."""
    for number in range(40):
        item = {"account_id": {"S": ACCOUNT}, "command_id": {"S": f"a/{number:02}"}, table.STATUS: {"S": "REJECTED"}}
        rows.dynamodb.put_item(TableName=TABLE, Item=item | {table.BODY: {"B": CREDIT.ljust(60_000)}})
    assert expected(rows) is False
    store(OPEN, caller="zz:b")
    assert expected(rows) is True


@pytest.mark.parametrize(("found_on", "soon"), [(1, True), (PAGES, True), (PAGES + 1, False)])
def test_a_few_pages_are_read_and_then_it_is_404(found_on: int, *, soon: bool) -> None:
    """Else an account that never existed would be 503 for ever."""
    starts: list[Any] = []

    class Long:
        def query(self, **request: Any) -> Any:
            starts.append(request.get("ExclusiveStartKey"))
            items = [{table.BODY: {"B": OPEN}}] if len(starts) == found_on else []
            return {"Items": items, "LastEvaluatedKey": {"n": {"N": str(len(starts))}}, "ConsumedCapacity": {}}

    assert StoredOpenings(Long(), TABLE).expected(ACCOUNT) is soon
    assert starts == [None, *({"n": {"N": str(page)}} for page in range(1, min(found_on, PAGES)))]


class Failing:
    """A client whose query ends like this."""

    def __init__(self, end: Any) -> None:
        self._end = end

    def query(self, **_: Any) -> Any:
        if isinstance(self._end, Exception):
            raise self._end
        return self._end


@pytest.mark.parametrize("end", [client_error("InternalServerError", "Query", status=500), {"Items": []}, {}], ids=str)
def test_a_table_that_cannot_be_read(end: Any) -> None:
    """An answer without the capacity that was asked for is none of DynamoDB's."""
    with pytest.raises(ReadUnavailableError):
        StoredOpenings(Failing(end), TABLE).expected(ACCOUNT)


def test_a_refusal_that_no_repetition_heals_is_no_passing_trouble() -> None:
    with pytest.raises(ClientError):
        StoredOpenings(Failing(client_error("AccessDeniedException", "Query")), TABLE).expected(ACCOUNT)
