"""GET …/commands/{command_id} by its templates: what of a row the client sees."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdas.inbox import table
from local.gateway.answers import Answer
from local.gateway.errors import ConfigurationError
from tests.support.command_gateway import ACCOUNT, TABLE, CommandGateway, Rows, error_of, failing, problem

CREDIT = b'{"type": "CreditAccount", "amount": 1}'
KEY = (("Idempotency-Key", "payment-1"),)
PROBLEM = (
    '{"type":"urn:daybook:problem:insufficient-funds","title":"It\'s \\"$input.body\\" #set($x=1) \\u2028 \U0001f642",'
    '"status":422,"detail":"${x} #if(true) C:\\\\temp\\n"}'
)
MOMENT = "2026-03-01T09:30:00.123Z"


def put(rows: Rows, **attributes: str | int) -> None:
    """A command's row with these attributes beside what every one has."""
    item: dict[str, Any] = {
        table.HASH_KEY: {"S": ACCOUNT},
        table.RANGE_KEY: {"S": "anonymous/c-1"},
        table.BODY: {"B": b"{}"},
        table.SUBMITTED_AT: {"S": MOMENT},
        table.CORRELATION_ID: {"S": "r-1"},
        table.ACTOR: {"S": "secret"},
    }
    item |= {name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in attributes.items()}
    rows.dynamodb.put_item(TableName=TABLE, Item=item)


def shown(answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(answer.body)
    assert (document.pop("command_id"), document.pop("account_id")) == ("c-1", ACCOUNT)
    return document


def test_a_pending_command_says_when_to_look_again(rows: Rows) -> None:
    put(rows, status="PENDING", failed_on="2026-03-01")

    answer = CommandGateway(TABLE).get("c-1", [("x-correlation-ID", "look-1")])

    assert answer.status == 200
    assert shown(answer) == {"status": "PENDING", "submitted_at": MOMENT}
    assert answer.headers == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Correlation-Id": "look-1",
        "Retry-After": "1",
    }


@pytest.mark.parametrize("balance", [0, -9 * 10**15, 9 * 10**15])
def test_a_success_has_version_and_balance(rows: Rows, balance: int) -> None:
    put(rows, status="SUCCEEDED", completed_at=MOMENT, version=12, balance=balance, commit_id="x")

    answer = CommandGateway(TABLE).get("c-1")

    assert answer.status == 200
    assert shown(answer) == {
        "status": "SUCCEEDED",
        "submitted_at": MOMENT,
        "completed_at": MOMENT,
        "version": 12,
        "balance": balance,
    }
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("status", ["REJECTED", "FAILED"])
def test_a_problem_is_passed_on_as_it_was_kept(rows: Rows, status: str) -> None:
    put(rows, status=status, completed_at=MOMENT, problem=PROBLEM)

    answer = CommandGateway(TABLE).get("c-1")

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert shown(answer) == {
        "status": status,
        "submitted_at": MOMENT,
        "completed_at": MOMENT,
        "problem": json.loads(PROBLEM),
    }
    assert PROBLEM.encode() in answer.body


def test_what_was_submitted_can_be_looked_up(rows: Rows) -> None:
    gateway = CommandGateway(TABLE)

    for made in (
        gateway.post(CREDIT, KEY),
        gateway.post(CREDIT),
        gateway.post(CREDIT, [("Idempotency-Key", "a:b._-Z9")]),
    ):
        command_id = made.headers["Location"].removeprefix("commands/")
        found = gateway.get(command_id)
        assert found.status == 200
        assert json.loads(found.body)["command_id"] == command_id == json.loads(made.body)["command_id"]


def test_reading_is_one_consistent_get_without_the_body(rows: Rows) -> None:
    gateway = CommandGateway(TABLE)

    gateway.get("c-1")

    (sent,) = gateway.sent
    call = json.loads(sent)
    assert call["ConsistentRead"] is True
    assert call["Key"] == {"account_id": {"S": ACCOUNT}, "command_id": {"S": "anonymous/c-1"}}
    names = {call["ExpressionAttributeNames"][name] for name in call["ProjectionExpression"].split(", ")}
    assert names == {
        *(table.HASH_KEY, table.RANGE_KEY, table.STATUS, table.SUBMITTED_AT, table.COMPLETED_AT),
        *(table.VERSION, table.BALANCE, table.PROBLEM),
    }


@pytest.mark.parametrize("command_id", ["a:b", "a%3Ab", "a%3ab", "%61%3A%62"])
@pytest.mark.parametrize("account_id", [ACCOUNT, ACCOUNT.replace("-", "%2d")])
def test_ids_are_found_as_they_stand_in_the_url_and_decoded(rows: Rows, account_id: str, command_id: str) -> None:
    gateway = CommandGateway(TABLE)
    assert gateway.post(CREDIT, [("Idempotency-Key", "a:b")]).status == 202

    answer = gateway.get(command_id, account_id=account_id)

    assert answer.status == 200
    assert (json.loads(answer.body)["account_id"], json.loads(answer.body)["command_id"]) == (ACCOUNT, "a:b")


def test_an_id_of_the_full_length_is_found_though_every_character_is_encoded(rows: Rows) -> None:
    gateway = CommandGateway(TABLE)
    assert gateway.post(CREDIT, [("Idempotency-Key", "k" * 64)]).status == 202

    assert gateway.get("%6b" * 64).status == 200
    assert gateway.get("%6b" * 65).status == 404


def test_a_request_id_that_the_client_chose_cannot_change_the_answer(rows: Rows) -> None:
    put(rows, status="PENDING")
    chosen = 'x", "status": "SUCCEEDED'

    found, missing = (CommandGateway(TABLE).get(key, requestId=chosen, extendedRequestId="e=") for key in ("c-1", "x"))

    assert found.headers["X-Correlation-Id"] == missing.headers["X-Correlation-Id"] == "e-"
    assert (shown(found)["status"], problem(missing)["status"]) == ("PENDING", 404)


@pytest.mark.parametrize(
    ("account_id", "command_id"),
    [
        (ACCOUNT, "c-2"),
        (ACCOUNT, "c-1\n"),
        (ACCOUNT, "anonymous/c-1"),
        (ACCOUNT, "anonymous%2Fc-1"),
        (ACCOUNT, "anonymous%252Fc-1"),
        (ACCOUNT, "%61nonymous%2fc%2D1"),
        (ACCOUNT, "other#c-1"),
        (ACCOUNT, "other%23c-1"),
        (ACCOUNT, "%23"),
        (ACCOUNT, "c-1%"),
        (ACCOUNT, "c-%zz"),
        (ACCOUNT, "c-1%ff"),
        (ACCOUNT, "c-1%0A"),
        (ACCOUNT, "c%252D1"),
        (ACCOUNT, "c-1%22%7D"),
        (ACCOUNT, "c-%EF%BC%91"),
        (ACCOUNT, "c+1"),
        (ACCOUNT, "a/b"),
        (ACCOUNT, 'c-1"}, "x": {"S": "'),
        (ACCOUNT, "$context.requestId"),
        (ACCOUNT, "#set($x=1)"),
        (ACCOUNT, ""),
        (ACCOUNT, "c" * 65),
        (ACCOUNT, "\x00"),
        (ACCOUNT.upper(), "c-1"),
        (ACCOUNT + "\n", "c-1"),
        (ACCOUNT + "%0a", "c-1"),
        (ACCOUNT[:-1] + "%zz", "c-1"),
        (ACCOUNT[:-1] + "%23", "c-1"),
        ("x", "c-1"),
        ('"', '"'),
    ],
)
def test_what_is_no_command_is_not_found(rows: Rows, account_id: str, command_id: str) -> None:
    put(rows, status="PENDING")
    for stored in ("other#c-1", "anonymous/other#c-1", "-/#"):
        rows.dynamodb.put_item(
            TableName=TABLE, Item={"account_id": {"S": ACCOUNT}, "command_id": {"S": stored}, "response": {"S": "r"}}
        )

    answer = CommandGateway(TABLE).get(command_id, account_id=account_id)

    assert answer.status == 404
    assert problem(answer)["type"] == "urn:daybook:problem:command-not-found"


def test_a_row_without_a_status_is_no_command(rows: Rows) -> None:
    put(rows, response="kept for a retry")

    assert CommandGateway(TABLE).get("c-1").status == 404


@pytest.mark.parametrize(
    ("status", "document", "answered", "code"),
    [
        (400, error_of("ProvisionedThroughputExceededException"), 429, "too-many-requests"),
        (400, error_of("ThrottlingException"), 429, "too-many-requests"),
        (400, error_of("ValidationException"), 503, "store-unavailable"),
        (400, error_of("ResourceNotFoundException"), 503, "store-unavailable"),
        (400, {}, 503, "store-unavailable"),
        (500, error_of("InternalServerError"), 503, "store-unavailable"),
        (200, {}, 404, "command-not-found"),
    ],
)
def test_a_store_that_fails_is_told(status: int, document: object, answered: int, code: str) -> None:
    answer = CommandGateway(TABLE, send=failing(status, document)).get("c-1")

    assert answer.status == answered
    assert problem(answer)["type"] == f"urn:daybook:problem:{code}"
    assert ("Retry-After" in answer.headers) == (answered != 404)


@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_that_is_not_json_is_an_error_of_the_gateway(status: int) -> None:
    with pytest.raises(ConfigurationError):
        CommandGateway(TABLE, send=lambda *_: (status, b"<html>")).get("c-1")
