"""docs/promises.md, row by row: what the function and the gateway's templates make of the same request."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from lambdas.httpapi.bodies import MAX_BODY_BYTES
from local.gateway.answers import Answer
from local.gateway.errors import GatewayError
from stacks.gateway_answers import GATEWAY_ANSWERS
from tests.support.command_gateway import TABLE, CommandGateway, Rows
from tests.unit.httpapi.suite.api import Call
from tests.unit.httpapi.suite.in_process import InProcessApi, in_process_api

PAGE = (Path(__file__).parents[3] / "docs" / "promises.md").read_text("utf-8")
TABLE_ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.partition("| request |")[2].partition("\n\n")[0].splitlines()[2:]
]
PROMISES = {row[0].strip("| "): (row[1], row[2]) for row in TABLE_ROWS}
Pairs = tuple[tuple[str, str], ...]
JSON: Pairs = (("Content-Type", "application/json"),)


@dataclass(frozen=True)
class Sent:
    """A request: `body` is sent as it is, or made of `fields`, beside the type where the route needs one."""

    headers: Pairs = JSON
    fields: dict[str, Any] = field(default_factory=lambda: {"amount": 1})
    body: bytes | None = None
    size: int = 0
    query: Pairs = ()
    base_path: str = ""
    end: str = ""
    capitals: bool = False

    def content(self, kind: str | None) -> bytes:
        """The body, padded to its size; with a type if one is given."""
        if self.body is not None:
            return self.body
        tag = {"type": kind} if kind else {}
        return json.dumps(tag | self.fields).encode().ljust(self.size)


def key(*values: str) -> Sent:
    return Sent(headers=(*JSON, *(("Idempotency-Key", value) for value in values)))


def header(name: str, *values: str) -> Sent:
    kept = () if name == "Content-Type" else JSON
    return Sent(headers=(*kept, *((name, value) for value in values)))


def one(**fields: Any) -> Sent:
    return Sent(fields={"amount": 1} | fields)


def raw(text: bytes) -> Sent:
    """The members, behind the type."""
    return Sent(body=b'{"type":"CreditAccount",' + text + b"}")


REQUESTS = {
    "as in the contract": Sent(),
    "behind a custom domain, with the base path `/ledger`": Sent(base_path="/ledger"),
    "a slash at the end of the path": Sent(end="/"),
    "the account id in capitals": Sent(capitals=True),
    "an unknown query parameter": Sent(query=(("dry_run", "1"),)),
    "no `Idempotency-Key`": Sent(),
    "`Idempotency-Key: order-17`": key("order-17"),
    '`Idempotency-Key: "order-17"`': key('"order-17"'),
    "`Idempotency-Key: ..`": key(".."),
    "a key of 255 visible characters": key("~" * 255),
    "a key with a `/`": key("a/b"),
    "a key with a space": key("a b"),
    "a key of 256 characters": key("k" * 256),
    "an empty key": key(""),
    "two keys in two lines": key("one", "two"),
    "one key in two lines": key("one", "one"),
    '`If-Match: "1",`': header("If-Match", '"1",'),
    "`X-Correlation-Id: a b`": header("X-Correlation-Id", "a b"),
    "an empty `X-Correlation-Id`": header("X-Correlation-Id", ""),
    "two `X-Correlation-Id`": header("X-Correlation-Id", "one", "two"),
    "`Content-Type: application/json; charset=UTF-8`": header("Content-Type", "application/json; charset=UTF-8"),
    "`Content-Type: application/json; profile=x`": header("Content-Type", "application/json; profile=x"),
    "`Content-Type: application/json; charset=latin-1`": header("Content-Type", "application/json; charset=latin-1"),
    "`Content-Type: application/json` with 16 parameters": header("Content-Type", "application/json" + "; a=b" * 16),
    "`Content-Type: application/json` with 17 parameters": header("Content-Type", "application/json" + "; a=b" * 17),
    "`Content-Type: text/plain`": header("Content-Type", "text/plain"),
    "no `Content-Type`": header("Content-Type"),
    "`Content-Encoding: identity`": header("Content-Encoding", "identity"),
    "`Content-Encoding: gzip`": header("Content-Encoding", "gzip"),
    "`Content-Encoding: gzip`, and the body is compressed": replace(
        header("Content-Encoding", "gzip"), body=gzip.compress(b'{"type":"CreditAccount","amount":1}')
    ),
    "a body of 65,536 bytes": Sent(size=MAX_BODY_BYTES),
    "a body of 65,537 bytes": Sent(size=MAX_BODY_BYTES + 1),
    "no body": Sent(body=b""),
    "a body of white space": Sent(body=b" \n"),
    "a body that is no object": Sent(body=b"[]"),
    "half of a surrogate pair": raw(rb'"amount":1,"reference":"\ud83d"'),
    "a field that no command has": one(note="of Jane Doe"),
    "a field of another command": one(currency="EUR"),
    "a missing `amount`": Sent(fields={}),
    '`"amount": null`': one(amount=None),
    '`"amount": "1"`': one(amount="1"),
    '`"amount": 1.0`': one(amount=1.0),
    '`"amount": 1e3`': raw(b'"amount":1e3'),
    '`"amount": 1000000000000000`': one(amount=10**15),
    '`"type": "CreditAcount"`': one(type="CreditAcount"),
    '`"reference": null`': one(reference=None),
    '`"reference": ""`': one(reference=""),
    '`"reference": "é"`': one(reference="é"),
    '`"occurred_at": "2026-03-01T09:30:00"`': one(occurred_at="2026-03-01T09:30:00"),
    '`"occurred_at": "2026-02-30T09:30:00Z"`': one(occurred_at="2026-02-30T09:30:00Z"),
    '`"currency": null`, a field of another command': one(currency=None),
    "a field that no command has, as null": one(note=None),
    "`amount` twice, both of them right": raw(b'"amount":2,"amount":1'),
    "`amount` twice, the first of them wrong": raw(b'"amount":"x","amount":1'),
    "`reference` twice, the second of them null": raw(b'"amount":1,"reference":{"of":"Jane Doe"},"reference":null'),
}
"""The request of each row."""


def told(status: int, content_type: str, body: bytes) -> str:
    """An answer as the page writes it."""
    if content_type != "application/problem+json":
        return str(status)
    return f"{status} `{json.loads(body)['type'].rpartition(':')[2]}`"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> InProcessApi:
    return in_process_api(monkeypatch)


def by_the_function(api: InProcessApi, sent: Sent) -> str:
    """The answer of the synchronous route; whatever it is, a refusal has changed nothing."""
    account_id = api.open()
    api.base_path = sent.base_path
    path = f"/accounts/{account_id.upper() if sent.capitals else account_id}/credit{sent.end}"
    answer = api.send(Call("POST", path, sent.query, sent.headers, sent.content(None)))
    assert api.version(account_id) == (2 if answer.status == 200 else 1)
    return told(answer.status, answer.headers["content-type"], answer.body)


def by_the_gateway(rows: Rows, sent: Sent) -> str:
    """The answer of the asynchronous route; whatever it is, a refusal has stored nothing."""
    account_id = "6f1f6a4e-0c7e-4a7b-9f0e-3d1f2b7c8a90"
    account_id = account_id.upper() if sent.capitals else account_id
    path = f"{sent.base_path or '/v1'}/accounts/{account_id}/commands{sent.end}"
    try:
        answer = CommandGateway(TABLE).post(
            sent.content("CreditAccount"), sent.headers, account_id=account_id, query=sent.query, sent_path=path
        )
    except GatewayError as error:
        made = GATEWAY_ANSWERS[error.response_type]
        body = made.template.replace("$context.error.messageString", json.dumps(error.message))
        answer = Answer(status=made.status, headers={"Content-Type": "application/problem+json"}, body=body.encode())
    assert len(rows.all()) == (answer.status == 202)
    return told(answer.status, answer.headers["Content-Type"], answer.body)


def test_every_row_is_tried() -> None:
    assert list(PROMISES) == list(REQUESTS)
    assert len(TABLE_ROWS) == len(PROMISES)


@pytest.mark.parametrize("row", REQUESTS)
def test_both_keep_their_promise(api: InProcessApi, rows: Rows, row: str) -> None:
    sent = REQUESTS[row]

    assert (by_the_function(api, sent), by_the_gateway(rows, sent)) == PROMISES[row]


@pytest.mark.parametrize("row", REQUESTS)
def test_where_they_differ_the_page_says_why(row: str) -> None:
    (reason,) = [each[3] if len(each) > 3 else "" for each in TABLE_ROWS if each[0].strip("| ") == row]
    function, gateway = PROMISES[row]
    differ = re.sub(r"\A2\d\d", "taken", function) != re.sub(r"\A2\d\d", "taken", gateway)
    assert bool(reason.strip(" |")) == differ


def test_keys_of_two_lines_are_told_apart_as_the_page_says(rows: Rows) -> None:
    CommandGateway(TABLE).post(b'{"type":"CloseAccount"}', key("one", "two").headers)

    assert [row["command_id"] for row in rows.all()] == [{"S": "anonymous/two"}]
