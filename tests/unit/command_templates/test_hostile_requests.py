"""Hundreds of hostile requests: refused with nothing stored, or stored so that reading back gives what was sent."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.accounts.commands import COMMANDS
from local.gateway.errors import BadRequestBodyError, ConfigurationError, UnsupportedMediaTypeError
from tests.support.command_gateway import ACCOUNT, TABLE, CommandGateway, Rows
from tests.support.runs import runs

pytestmark = pytest.mark.thousands

REQUESTS = runs(check=120, test=1_200, soak=60_000)
"""Of all these tests together; at least one of each."""
FRAGMENTS = (
    '"', "'", "\\", "\\\\", '\\"', "$", "$x", "${", "${}", "${x}", "$!{x}", "$input.body", "$util.base64Encode('x')",
    "$context.identity.caller", "#", "##", "#*", "*#", "#set($x=1)", "#if(true)", "#else", "#end", "#{end}", "#stop",
    "#foreach($x in [1..9])", "#evaluate('$x')", "#macro(x)", "#[[", "]]#", "\n", "\r\n", "\x00", "\x1f", "\x7f",
    "\u2028", "\u2029", "\ufeff", "\ufffd", "é", "🙂", "\U0010ffff", '"}, "status": {"S": "SUCCEEDED', '"}}',
    '"}, ":pending": {"S": "SUCCEEDED"}, ":correlation_id": {"S": "y', '", "status": "SUCCEEDED', "%2523", "%", "%zz",
    "{{table_name}}", "=", "==", "anonymous/", "%23", "%0a", "/", "..", " ", ",", ":", "\\u0022", "\\ud800",
)  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=8)), max_size=12).map("".join)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
TYPES = [command.__name__ for command in COMMANDS]
almost_commands = st.fixed_dictionaries(
    {"type": st.one_of(st.sampled_from(TYPES), values)},
    optional={
        "amount": st.one_of(st.integers(1, 10**15), values),
        "currency": st.one_of(st.just("EUR"), values),
        "reference": texts,
        "occurred_at": values,
        "from_account_id": st.one_of(st.just(ACCOUNT), texts),
        "extra": values,
    },
)
big = st.tuples(st.sampled_from((65_000, 65_536, 66_000, 400_000, 450_000)), texts).map(
    lambda made: json.dumps({"type": "CloseAccount", "x": made[1] + "y" * made[0]}).encode()
)
deep = st.integers(1, 20_000).map(lambda depth: b'{"type": "CloseAccount", "x": ' + b"[" * depth + b"]" * depth + b"}")
bodies = st.one_of(
    almost_commands.map(lambda document: json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    almost_commands.map(lambda document: json.dumps(document, indent="\t").encode()),
    values.map(lambda document: json.dumps(document).encode()),
    texts.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=64),
    big,
    deep,
)
ids = st.one_of(
    st.just(ACCOUNT), texts, st.sampled_from((ACCOUNT.upper(), ACCOUNT + "\n", ACCOUNT + "#", f"{ACCOUNT}/x"))
)
keys = st.one_of(st.from_regex(r"[A-Za-z0-9._:-]{1,66}\Z"), texts)
header_values = st.one_of(keys, st.sampled_from(("application/json", "text/plain", "application/json;x=$y")))
header_names = st.one_of(
    st.sampled_from(
        (
            "Idempotency-Key",
            "idempotency-key",
            "IDEMPOTENCY-KEY",
            "X-Correlation-Id",
            "x-correlation-ID",
            "Content-Type",
        )
    ),
    texts,
)
headers = st.lists(st.tuples(header_names, header_values), max_size=4)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "requestId": st.one_of(keys, st.none()),
        "extendedRequestId": st.one_of(keys, st.none()),
        "caller": st.one_of(keys.map(lambda key: f"{key}:session"), keys),
    },
)
PROPERTY = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
)


def share(part: float) -> int:
    """This part of all requests."""
    return max(1, round(REQUESTS * part))


def submit(rows: Rows, body: bytes, *, validated: bool, caller: str = "", **request: Any) -> int:
    """Post it to an empty table: the status; whatever it is, the table holds what that promises."""
    principal = re.fullmatch(r"([A-Za-z0-9_-]{1,128})(:.*)?", caller or "anonymous")
    gateway = CommandGateway(TABLE, validated=validated)
    try:
        answer = gateway.post(body, caller=caller, **request)
    except BadRequestBodyError:
        status = 400
    except UnsupportedMediaTypeError:
        status = 415
    except ConfigurationError:  # what is no JSON cannot be read by the template, and is stopped by the model before it
        assert not validated
        status = 500
    else:
        status = answer.status
        assert re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", answer.headers["X-Correlation-Id"])
        assert json.loads(answer.body).get("status", status) in {status, "PENDING"}
    for sent in gateway.sent:
        assert json.loads(sent)["TableName"] == TABLE, "the rendered request is JSON"
    stored = rows.all()
    if status == 202:
        (row,) = stored
        key = {name: row[name] for name in ("account_id", "command_id")}
        rows.dynamodb.delete_item(TableName=TABLE, Key=key)
        assert set(row) == {*key, "body", "status", "submitted_at", "correlation_id", "actor"}
        assert row["body"]["B"] == body.decode("utf-8", errors="replace").encode()
        assert row["status"] == {"S": "PENDING"}
        assert principal is not None
        assert row["actor"] == {"S": principal[1]}
        assert row["command_id"]["S"] == f"{principal[1]}/{json.loads(answer.body)['command_id']}"
        assert row["correlation_id"] == {"S": answer.headers["X-Correlation-Id"]}
    else:
        assert status in {400, 413, 415, 500} or (status == 403 and principal is None)
        assert stored == []
    return status


@given(body=bodies)
@settings(PROPERTY, max_examples=share(1 / 3))
def test_no_body_breaks_out_of_the_template(rows: Rows, body: bytes) -> None:
    status = submit(rows, body, validated=False)

    size = len(body.decode("utf-8", errors="replace").encode())
    assert status in ({400} if not body else {413, 500} if size > 64 * 1024 else {202, 400, 500})


@given(body=bodies)
@settings(PROPERTY, max_examples=share(1 / 6))
def test_behind_the_model_too_a_body_is_kept_or_refused(rows: Rows, body: bytes) -> None:
    submit(rows, body, validated=True)


@given(account_id=ids, headers=headers, query=headers, body=almost_commands, context=contexts)
@settings(PROPERTY, max_examples=share(1 / 3))
def test_no_id_header_query_parameter_or_context_breaks_out(
    rows: Rows,
    account_id: str,
    headers: list[tuple[str, str]],
    query: list[tuple[str, str]],
    body: object,
    context: dict[str, Any],
) -> None:
    sent = json.dumps(body).encode()
    submit(rows, sent, validated=False, account_id=account_id, headers=headers, query=query, **context)


@given(account_id=ids, command_id=st.one_of(ids, keys), headers=headers, context=contexts)
@settings(PROPERTY, max_examples=share(1 / 6))
def test_no_path_reads_what_is_not_ones_own(
    rows: Rows, account_id: str, command_id: str, headers: list[tuple[str, str]], context: dict[str, Any]
) -> None:
    foreign = {"account_id": {"S": ACCOUNT}, "command_id": {"S": f"stranger/{command_id}"}, "status": {"S": "secret"}}
    rows.dynamodb.put_item(TableName=TABLE, Item=foreign)
    gateway = CommandGateway(TABLE)
    safe = [(name, value) for name, value in headers if name.lower() != "content-type"]

    plain = gateway.get(command_id, safe, account_id=account_id, **context)
    prefixed = gateway.get(f"stranger/{command_id}", safe, account_id=account_id, **context)

    rows.dynamodb.delete_item(TableName=TABLE, Key={name: foreign[name] for name in ("account_id", "command_id")})
    assert (plain.status, prefixed.status) == (404, 404)
    assert b"secret" not in plain.body + prefixed.body
    assert json.loads(plain.body)["status"] == 404
