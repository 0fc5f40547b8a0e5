"""POST …/commands by its templates: what is stored, and what the client is told."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

import msgspec
import pytest

from lambdas.accounts.commands import CloseAccount, CreditAccount, OpenAccount, Transfer, WithdrawFromAccount
from lambdas.contracts.examples import COMMAND_EXAMPLES
from local.gateway.errors import BadRequestBodyError, ConfigurationError, UnsupportedMediaTypeError
from stacks.command_templates import status_answers, status_request, submit_answers, submit_request
from tests.support.command_gateway import ACCOUNT, TABLE, CommandGateway, Headers, Rows, error_of, failing, problem

OTHER = "7b0d7a55-1c1b-4a51-8a51-0a5f5f0b8f11"
COMMANDS = (
    OpenAccount(currency="EUR", overdraft_limit=10**15 - 1),
    CreditAccount(amount=1, reference="rent"),
    WithdrawFromAccount(amount=10**15 - 1, occurred_at="2026-03-01T00:00:00Z"),
    CloseAccount(),
    Transfer(from_account_id=ACCOUNT, to_account_id=OTHER, amount=7),
)
CREDIT = msgspec.json.encode(COMMANDS[1])
KEY = (("Idempotency-Key", "payment-1"),)


@pytest.mark.parametrize("command", [*COMMANDS, *COMMAND_EXAMPLES], ids=lambda command: type(command).__name__)
def test_every_command_is_stored_as_it_was_sent(rows: Rows, command: msgspec.Struct) -> None:
    body = msgspec.json.encode(command)

    answer = CommandGateway(TABLE).post(body, [*KEY, ("X-Correlation-Id", "c-1")], caller="AROA1:session")

    assert answer.status == 202
    assert json.loads(answer.body) == {"command_id": "payment-1", "account_id": ACCOUNT, "status": "PENDING"}
    assert answer.headers == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Location": "commands/payment-1",
        "Retry-After": "1",
        "X-Correlation-Id": "c-1",
    }
    assert rows.all() == [
        {
            "account_id": {"S": ACCOUNT},
            "command_id": {"S": "AROA1/payment-1"},
            "status": {"S": "PENDING"},
            "body": {"B": body},
            "submitted_at": {"S": "2026-03-01T09:30:00.123Z"},
            "correlation_id": {"S": "c-1"},
            "actor": {"S": "AROA1"},
        }
    ]


def test_the_call_is_one_conditional_update(rows: Rows) -> None:
    gateway = CommandGateway(TABLE)

    gateway.post(CREDIT, KEY, requestId="r-1", extendedRequestId="not this one")

    (sent,) = gateway.sent
    assert json.loads(sent) == {
        "TableName": TABLE,
        "Key": {"account_id": {"S": ACCOUNT}, "command_id": {"S": "anonymous/payment-1"}},
        "UpdateExpression": "SET #body = if_not_exists(#body, :body), #status = if_not_exists(#status, :pending), "
        "#submitted_at = if_not_exists(#submitted_at, :submitted_at), "
        "#correlation_id = if_not_exists(#correlation_id, :correlation_id), #actor = if_not_exists(#actor, :actor)",
        "ConditionExpression": "attribute_not_exists(#command_id) OR #body = :body",
        "ExpressionAttributeNames": {
            f"#{name}": name for name in ("command_id", "body", "status", "submitted_at", "correlation_id", "actor")
        },
        "ExpressionAttributeValues": {
            ":body": {"B": "eyJ0eXBlIjoiQ3JlZGl0QWNjb3VudCIsImFtb3VudCI6MSwicmVmZXJlbmNlIjoicmVudCJ9"},
            ":pending": {"S": "PENDING"},
            ":submitted_at": {"S": "2026-03-01T09:30:00.123Z"},
            ":correlation_id": {"S": "r-1"},
            ":actor": {"S": "anonymous"},
        },
        "ReturnValues": "ALL_NEW",
    }


@pytest.mark.parametrize("month", range(1, 13))
def test_the_moment_of_submission_is_true_to_the_millisecond(rows: Rows, month: int) -> None:
    now = datetime(2026, month, 9, 23, 59, 59, 7_999, tzinfo=UTC)

    CommandGateway(TABLE).post(CREDIT, KEY, now=now)

    assert rows.all()[0]["submitted_at"] == {"S": f"2026-{month:02}-09T23:59:59.007Z"}


def test_the_same_again_answers_the_same_and_changes_nothing(rows: Rows) -> None:
    gateway = CommandGateway(TABLE)
    first = gateway.post(CREDIT, [*KEY, ("X-Correlation-Id", "c-1")], caller="AROA1:s")
    stored = rows.all()

    later = gateway.post(
        CREDIT,
        [("idempotency-key", "payment-1"), ("X-Correlation-Id", "c-2")],
        now=datetime(2027, 1, 1, tzinfo=UTC),
        caller="AROA1:another session",
    )

    assert (later.status, later.body, later.headers["Location"]) == (202, first.body, first.headers["Location"])
    assert later.headers["X-Correlation-Id"] == "c-2"
    assert rows.all() == stored


@pytest.mark.parametrize("status", ["SUCCEEDED", "REJECTED", "FAILED"])
def test_a_command_that_has_ended_answers_so_and_asks_nobody_to_look_again(rows: Rows, status: str) -> None:
    gateway = CommandGateway(TABLE)
    gateway.post(CREDIT, KEY)
    rows.dynamodb.update_item(
        TableName=TABLE,
        Key={"account_id": {"S": ACCOUNT}, "command_id": {"S": "anonymous/payment-1"}},
        UpdateExpression="SET #status = :s",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":s": {"S": status}},
    )

    answer = gateway.post(CREDIT, KEY)

    assert answer.status == 202
    assert json.loads(answer.body)["status"] == status
    assert answer.headers["Location"] == "commands/payment-1"
    assert "Retry-After" not in answer.headers
    assert rows.all()[0]["status"] == {"S": status}


@pytest.mark.parametrize("other", [CREDIT + b" ", msgspec.json.encode(CreditAccount(amount=2))])
def test_another_body_under_the_same_key_is_a_conflict(rows: Rows, other: bytes) -> None:
    gateway = CommandGateway(TABLE)
    gateway.post(CREDIT, KEY)
    stored = rows.all()

    answer = gateway.post(other, KEY)

    assert answer.status == 422
    assert problem(answer)["type"] == "urn:daybook:problem:idempotency-key-reused"
    assert rows.all() == stored


def test_a_key_counts_within_its_account(rows: Rows) -> None:
    gateway = CommandGateway(TABLE)
    gateway.post(CREDIT, KEY)

    answer = gateway.post(b'{"type": "CloseAccount"}', KEY, account_id=OTHER)

    assert answer.status == 202
    assert len(rows.all()) == 2


def test_without_a_key_the_gateway_makes_an_id_that_a_url_can_carry(rows: Rows) -> None:
    gateway = CommandGateway(TABLE)

    answers = [
        gateway.post(CREDIT),
        gateway.post(CREDIT),
        gateway.post(CREDIT, extendedRequestId="a+b/c=", requestId="r"),
    ]

    ids = [json.loads(answer.body)["command_id"] for answer in answers]
    assert len(set(ids)) == 3
    assert ids[2] == "a-b-c-"
    assert all(len(each) == 16 and each.replace("-", "").isalnum() for each in ids[:2])
    assert {row["command_id"]["S"] for row in rows.all()} == {f"anonymous/{each}" for each in ids}


HOSTILE_ID = 'x"}, ":pending": {"S": "SUCCEEDED"}, ":correlation_id": {"S": "y'


@pytest.mark.parametrize(
    ("request_id", "extended", "correlation_id"),
    [
        ("r:1._-Z", "e+1/=", "r:1._-Z"),
        ("r" * 64, "e+1/=", "r" * 64),
        ("r" * 65, "e+1/=", "e-1--"),
        ("", "e+1/=", "e-1--"),
        (None, "e+1/=", "e-1--"),
        ("a b", "e+1/=", "e-1--"),
        (HOSTILE_ID, "e+1/=", "e-1--"),
        (HOSTILE_ID, HOSTILE_ID[:64], HOSTILE_ID[:64].translate({ord(each): "-" for each in '"}, :{_'})),
        (HOSTILE_ID, "e" * 65, "unknown"),
        (HOSTILE_ID, "", "unknown"),
        (HOSTILE_ID, None, "unknown"),
    ],
)
@pytest.mark.parametrize("given", [False, True])
def test_a_request_id_that_the_client_chose_is_no_more_than_a_correlation_id(
    rows: Rows, request_id: str | None, extended: str | None, correlation_id: str, *, given: bool
) -> None:
    """Clients may set $context.requestId by a header."""
    headers = [*KEY, ("X-Correlation-Id", HOSTILE_ID)] if given else KEY

    answer = CommandGateway(TABLE).post(CREDIT, headers, requestId=request_id, extendedRequestId=extended)

    assert answer.headers["X-Correlation-Id"] == correlation_id
    assert answer.status == 202
    assert [(row["status"], row["correlation_id"]) for row in rows.all()] == [({"S": "PENDING"}, {"S": correlation_id})]


@pytest.mark.parametrize(
    "given",
    [["$context.requestId"], [""], ["a b"], ["k" * 65], ["é"], ["a", "a"]],
    ids=repr,
)
def test_a_correlation_id_that_cannot_be_used_is_replaced_and_refuses_nothing(rows: Rows, given: list[str]) -> None:
    headers = zip(("x-correlation-id", "X-Correlation-Id"), given, strict=False)

    answer = CommandGateway(TABLE).post(CREDIT, [*KEY, *headers], requestId="r-1")

    assert (answer.status, answer.headers["X-Correlation-Id"]) == (202, "r-1")
    assert rows.all()[0]["correlation_id"] == {"S": "r-1"}


def test_a_quoted_key_names_the_same_command(rows: Rows) -> None:
    gateway = CommandGateway(TABLE)
    bare, quoted = (gateway.post(CREDIT, [("Idempotency-Key", key)]) for key in ("payment-1", '"payment-1"'))

    assert (bare.status, bare.body, bare.headers["Location"]) == (quoted.status, quoted.body, "commands/payment-1")
    assert [row["command_id"] for row in rows.all()] == [{"S": "anonymous/payment-1"}]


@pytest.mark.parametrize("path", [f"/v1/accounts/{ACCOUNT}/commands/", f"/ledger/accounts/{ACCOUNT}/commands//"])
def test_a_slash_at_the_end_is_another_path(rows: Rows, path: str) -> None:
    """Location would resolve to …/commands/commands/payment-1."""
    answer = CommandGateway(TABLE).post(CREDIT, KEY, sent_path=path)

    assert (answer.status, problem(answer)["type"]) == (404, "urn:daybook:problem:not-found")
    assert rows.all() == []


@pytest.mark.parametrize("path", [f"/v1/accounts/{ACCOUNT}/commands", f"/ledger/accounts/{ACCOUNT}/commands", "", None])
def test_location_leads_to_the_command_whatever_the_base_path(rows: Rows, path: str | None) -> None:
    answer = CommandGateway(TABLE).post(CREDIT, KEY, sent_path=path)

    assert answer.status == 202
    assert urljoin(f"https://bank.example{path}", answer.headers["Location"]).endswith("/commands/payment-1")


@pytest.mark.parametrize("as_in_the_url", [ACCOUNT.replace("-", "%2D"), f"%36{ACCOUNT[1:]}", f"{ACCOUNT[:-2]}%390"])
def test_an_account_id_as_it_stands_in_the_url_is_the_same_account(rows: Rows, as_in_the_url: str) -> None:
    answer = CommandGateway(TABLE).post(CREDIT, KEY, account_id=as_in_the_url)

    assert answer.status == 202
    assert json.loads(answer.body)["account_id"] == ACCOUNT
    assert [row["account_id"] for row in rows.all()] == [{"S": ACCOUNT}]


def test_a_query_parameter_is_no_header(rows: Rows) -> None:
    gateway = CommandGateway(TABLE)
    query = [("Idempotency-Key", "from-query"), ("account_id", OTHER), ("X-Correlation-Id", "'")]

    with_header = gateway.post(CREDIT, KEY, query=query)
    without = gateway.post(CREDIT, query=query)

    assert json.loads(with_header.body) == {"command_id": "payment-1", "account_id": ACCOUNT, "status": "PENDING"}
    assert json.loads(without.body)["command_id"] != "from-query"
    assert {row["account_id"]["S"] for row in rows.all()} == {ACCOUNT}


def test_of_a_repeated_header_the_last_counts(rows: Rows) -> None:
    CommandGateway(TABLE).post(CREDIT, [("Idempotency-Key", "a b"), ("Idempotency-Key", "second")])

    assert rows.all()[0]["command_id"] == {"S": "anonymous/second"}


@pytest.mark.parametrize(
    ("headers", "account_id", "field"),
    [
        ([("Idempotency-Key", "anonymous/payment-1")], ACCOUNT, "Idempotency-Key"),
        ([("IDEMPOTENCY-KEY", "")], ACCOUNT, "Idempotency-Key"),
        ([("idempotency-key", "k" * 65)], ACCOUNT, "Idempotency-Key"),
        ([("Idempotency-Key", "key\n")], ACCOUNT, "Idempotency-Key"),
        ([("Idempotency-Key", 'k", "x": "')], ACCOUNT, "Idempotency-Key"),
        ([("Idempotency-Key", "é")], ACCOUNT, "Idempotency-Key"),
        ([("Idempotency-Key", "..")], ACCOUNT, "Idempotency-Key"),
        ([("Idempotency-Key", "a"), ("idempotency-key", "a")], ACCOUNT, "Idempotency-Key"),
        ([("Idempotency-Key", '"a')], ACCOUNT, "Idempotency-Key"),
        ([("Idempotency-Key", '""')], ACCOUNT, "Idempotency-Key"),
        ([("Idempotency-Key", '".."')], ACCOUNT, "Idempotency-Key"),
        ([("Idempotency-Key", 'a"b"')], ACCOUNT, "Idempotency-Key"),
        ([("Idempotency-Key", '"a" "b"')], ACCOUNT, "Idempotency-Key"),
        ([("Idempotency-Key", '"' + "k" * 65 + '"')], ACCOUNT, "Idempotency-Key"),
        ([("if-match", '"3"')], ACCOUNT, "If-Match"),
        ([], ACCOUNT.upper(), "account_id"),
        ([], ACCOUNT + "\n", "account_id"),
        ([], f"{ACCOUNT}/x", "account_id"),
        ([], f"{ACCOUNT}%23", "account_id"),
        ([], f"{ACCOUNT[:-1]}%23", "account_id"),
        ([], f"{ACCOUNT[:-1]}%22", "account_id"),
        ([], f"{ACCOUNT[:-1]}%zz", "account_id"),
        ([], f"{ACCOUNT[:-1]}%ff", "account_id"),
        ([], f"{ACCOUNT[:-1]}%2530", "account_id"),
        ([], ACCOUNT[:-1] + "%", "account_id"),
        ([], ACCOUNT.replace("6f", "%36F"), "account_id"),
        ([], "anonymous/x", "account_id"),
        ([], "", "account_id"),
    ],
)
def test_what_is_not_acceptable_is_named_and_stores_nothing(
    rows: Rows, headers: Headers, account_id: str, field: str
) -> None:
    answer = CommandGateway(TABLE).post(CREDIT, headers, account_id=account_id)

    assert answer.status == 400
    document = problem(answer)
    assert document["type"] == "urn:daybook:problem:invalid-request"
    assert document["field"] == field
    assert document["detail"].startswith(f"{field}: ")
    assert rows.all() == []


@pytest.mark.parametrize("excess", [-2, -1, 0, 1, 2, 3, 400_000])
@pytest.mark.parametrize("letter", ["x", "é", "🙂"])
def test_a_body_may_have_65536_bytes(rows: Rows, excess: int, letter: str) -> None:
    start = b'{"type": "CloseAccount", "type": "'
    end = b'", "type": "CloseAccount"}'
    free = 64 * 1024 + excess - len(start) - len(end)
    text = letter * (free // len(letter.encode())) + "." * (free % len(letter.encode()))
    body = start + text.encode() + end
    assert len(body) == 64 * 1024 + excess

    answer = CommandGateway(TABLE).post(body, KEY)

    if excess > 0:
        assert answer.status == 413
        assert problem(answer)["type"] == "urn:daybook:problem:payload-too-large"
        assert rows.all() == []
    else:
        assert answer.status == 202
        assert rows.all()[0]["body"] == {"B": body}


def test_an_empty_body_is_refused_by_model_and_template_alike(rows: Rows) -> None:
    with pytest.raises(BadRequestBodyError):
        CommandGateway(TABLE).post(b"", KEY)

    answer = CommandGateway(TABLE, validated=False).post(b"", KEY)

    assert (answer.status, problem(answer)["field"]) == (400, "body")
    assert rows.all() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Content-Type", "application/json; charset=latin-1"),
        ("content-type", 'application/json; profile=x; charset="utf-16"'),
        ("content-type", "application/json; x"),
        ("content-type", "application/json" + ";a=b" * 17),
        ("content-type", "application/json" + ";" * 9_000),
        ("Content-Encoding", "gzip"),
        ("content-encoding", "identity, gzip"),
    ],
)
def test_another_charset_and_compression_are_refused(rows: Rows, name: str, value: str) -> None:
    answer = CommandGateway(TABLE).post(CREDIT, [*KEY, (name, value)])

    assert (answer.status, problem(answer)["type"]) == (415, "urn:daybook:problem:unsupported-media-type")
    assert rows.all() == []


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/jsonx", ""])
def test_only_json_is_taken(rows: Rows, media_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        CommandGateway(TABLE).post(CREDIT, [*KEY, ("Content-type", media_type)])

    assert rows.all() == []


def test_no_pattern_repeats_a_group_without_end() -> None:
    """Java's matcher goes deeper into its stack for each time: 1,000 parameters of a media type overflow it."""
    templates = [submit_request(TABLE), status_request(TABLE)]
    templates += [answer.template for answer in (*submit_answers(), *status_answers())]
    patterns = re.findall(r"[.](?:matches|replaceAll)\('([^']*)'", "\n".join(templates))

    assert len(set(patterns)) > 10
    assert [pattern for pattern in patterns if re.search(r"\)(?:[*+]|\{\d+,\})", pattern)] == []


def test_a_media_type_may_have_parameters(rows: Rows) -> None:
    answer = CommandGateway(TABLE).post(
        CREDIT,
        [*KEY, ("content-type", 'Application/JSON; profile="a;b"; charset=utf-8'), ("Content-Encoding", "identity")],
    )

    assert answer.status == 202


@pytest.mark.parametrize(
    ("status", "document", "answered", "code"),
    [
        (400, error_of("ProvisionedThroughputExceededException"), 429, "too-many-requests"),
        (400, error_of("ThrottlingException"), 429, "too-many-requests"),
        (400, error_of("RequestLimitExceeded"), 429, "too-many-requests"),
        (400, error_of("ConditionalCheckFailedException"), 422, "idempotency-key-reused"),
        (400, error_of("ValidationException"), 503, "not-applied"),
        (400, error_of("ValidationException", "keys: {#refused}"), 503, "not-applied"),
        (400, error_of("ValidationException", "keys: {#refusedBodySize}"), 413, "payload-too-large"),
        (400, error_of("AccessDeniedException", "#refusedBodySize"), 503, "not-applied"),
        (400, error_of("TransactionConflictException"), 429, "too-many-requests"),
        (400, error_of("ResourceNotFoundException"), 503, "not-applied"),
        (400, {}, 503, "not-applied"),
        (413, {"message": "?"}, 503, "not-applied"),
        (500, error_of("InternalServerError"), 503, "outcome-unknown"),
        (503, {"message": "busy"}, 503, "outcome-unknown"),
        (301, {}, 503, "outcome-unknown"),
        (200, {}, 503, "outcome-unknown"),
        (200, {"Attributes": {}}, 503, "outcome-unknown"),
        (200, {"Attributes": {"account_id": {"S": ACCOUNT}, "status": {"S": "PENDING"}}}, 503, "outcome-unknown"),
    ],
)
def test_a_store_that_fails_is_never_told_as_accepted(status: int, document: object, answered: int, code: str) -> None:
    answer = CommandGateway(TABLE, send=failing(status, document)).post(CREDIT, KEY)

    assert answer.status == answered
    assert problem(answer)["type"] == f"urn:daybook:problem:{code}"
    assert ("Retry-After" in answer.headers) == (answered in {429, 503})
    assert "Location" not in answer.headers


@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_that_is_not_json_is_an_error_of_the_gateway(status: int) -> None:
    with pytest.raises(ConfigurationError):
        CommandGateway(TABLE, send=lambda *_: (status, b"<html>")).post(CREDIT, KEY)


@pytest.mark.parametrize(
    "context",
    [
        {"requestTime": ""},
        {"requestTime": None},
        {"requestTime": "9/Apr/2015:12:34:56 +0000"},
        {"requestTimeEpoch": 12},
        {"extendedRequestId": ""},
        {"extendedRequestId": None},
        {"requestId": None, "caller": 'a"b'},
        {"caller": 'a"b'},
    ],
)
def test_a_context_that_nobody_expects_never_stores_a_row(rows: Rows, context: dict[str, Any]) -> None:
    headers = () if "extendedRequestId" in context else KEY
    try:
        status = CommandGateway(TABLE).post(CREDIT, headers, **context).status
    except ConfigurationError:
        status = 500

    assert status >= 400
    assert rows.all() == []
