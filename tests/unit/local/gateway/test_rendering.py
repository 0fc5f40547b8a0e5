"""Mapping templates as API Gateway renders them: the engine, `$input`, `$context`, overrides and models."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from local.gateway import velocity
from local.gateway.context import request_context
from local.gateway.errors import BadRequestBodyError, ConfigurationError
from local.gateway.integration import Integration, IntegrationResponse, parse_integration, run
from local.gateway.models import BodyModels
from local.gateway.rendering import GatewayRequest, render_request, render_response

REQUEST = GatewayRequest(
    body='{"a": {"b": [1, "zwei", null]}, "c-d": "é", "d": "#set($x = 1)$x"}'.encode(),
    headers=[("Accept", "one"), ("X-Name", "first"), ("X-Name", "$input.body"), ("id", "header")],
    query=[("id", "query"), ("only", "here")],
    path={"id": "path"},
    context={"requestId": "r-1", "identity": {"caller": ""}},
)

VARIABLES = {"name": "X-Name", "line": "abc\n", "empty": "", "zero": 0, "none": []}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$input.path('$.a.b[1]')", "zwei"),
        ("$input.path('$.a.b[0]')", "1"),
        ("[$!input.path('$.a.b[2]')$!input.path('$.a.b[9]')$!input.path('$.x.y')$!input.path('$.a.b.c')]", "[]"),
        ("$input.path(\"$['c-d']\")", "é"),
        ("$input.path('$.c-d')", "é"),
        ("$input.json('$.a')", '{"b": [1, "zwei", null]}'),
        ("$input.params('id')$input.params('only')$input.params('Accept')", "pathhereone"),
        ("$input.params().get('querystring').get('id')", "query"),
        ("$input.params().header.get('X-Name')", "$input.body"),
        ("[$!input.params('accept')]", "[]"),
        ("$util.base64Encode('é')", "w6k="),
        ("$util.urlDecode('a%3Ab%23+%C3%A9%ff%2523')", "a:b# é\ufffd%23"),
        ("${context.requestId}[$!context.identity.caller$!context.identity.user]", "r-1[]"),
        ("#set($x = \"$!input.path('$.d')\")$x", "#set($x = 1)$x"),
    ],
)
def test_a_request_template_sees_the_request(template: str, text: str) -> None:
    assert render_request(template, REQUEST) == text


def test_bytes_that_are_no_utf_8_are_replaced_as_text() -> None:
    assert render_request("$input.body", GatewayRequest(body=b"\xff{\xc3}")) == "\ufffd{\ufffd}"


@pytest.mark.parametrize(
    ("expression", "is_true"),
    [
        ("$nothing", False),
        ("!$nothing", True),
        ("false", False),
        ("$empty", True),
        ("!$empty", False),
        ("$zero", True),
        ('$empty && "a" == "a"', True),
        ("$none", True),
        ('$nothing || "x" == "x"', True),
        ('"a" == "a" && $nothing', False),
        ("$name.equalsIgnoreCase('x-NAME')", True),
        ("$name.equalsIgnoreCase('x')", False),
        ("$name.endsWith('Name')", True),
        ("$name.matches('X-[a-zA-Z]+')", True),
        ("$name.matches('X')", False),
        ("$line.matches('[a-z]+')", False),
        ("$line.matches('[a-z]+$')", False),
        ("$name.contains('-')", True),
        ("$name.length() * 3 / 4 == 4", True),
        ("$name.substring(2, 6) == 'Name'", True),
    ],
)
def test_truth_and_strings_are_velocity_s_and_java_s(expression: str, is_true: bool) -> None:
    text = velocity.render(f"#if({expression})yes#{{else}}no#end", VARIABLES)

    assert text == ("yes" if is_true else "no")


def test_what_is_set_in_a_loop_stays_set_after_it() -> None:
    template = "#set($n = 0)#foreach($k in $m.keySet())#set($n = $n + 1)#if($k == 'b')#set($f = $m.get($k))#end#end$n$f"

    assert velocity.render(template, {"m": {"a": "1", "b": "2", "c": "3"}}) == "32"


@pytest.mark.parametrize(
    "template",
    [
        "#if(true)",
        "#set($x = )",
        "$util.escapeJavaScript('x')",
        "$util.base64Decode('w6k=')",
        "$util.urlDecode('50%')",
        "$util.urlDecode('%zz')",
        "$input.headers",
        "$input.path('a')",
        "$input.path('$..a')",
        "$name.substring(3, 99)",
        "$name.substring(4, 3)",
        "#set($context.responseOverride.status = 1)#set($context.responseOverride.status = 2)",
        "#set($context.responseOverride.header.A = 'a')#set($context.responseOverride.header.A = 'a')",
        "#set($context.responseOverride.status = $nothing)",
        "#set($context.responseOverride.headers.A = 'a')",
    ],
)
def test_what_cannot_be_carried_out_is_an_error(template: str) -> None:
    with pytest.raises(ConfigurationError):
        render_response(f"#set($name = 'name'){template}", REQUEST, b"{}")


def test_a_response_template_overrides_status_and_headers_and_sees_both_sides() -> None:
    template = (
        "#set($context.responseOverride.status = 404)"
        "#set($context.responseOverride.header.Retry-After = '1')"
        "#set($context.responseOverride.header.X-Id = $input.params('id'))"
        "$input.path('$.x') $context.requestId"
    )

    first, second = (render_response(template, REQUEST, b'{"x": "$y"}') for _ in range(2))

    assert first == second
    assert (first.status, first.headers, first.body) == (404, {"Retry-After": "1", "X-Id": "path"}, "$y r-1")
    assert "responseOverride" not in REQUEST.context


def test_the_context_is_written_as_api_gateway_writes_it() -> None:
    now = datetime(2015, 4, 9, 12, 34, 56, 7_999, tzinfo=UTC)

    made = [
        request_context(
            now=now,
            api_id="a",
            stage="v1",
            method="POST",
            path="/accounts/1/commands/",
            resource_path="/accounts/{account_id}/commands",
        )
        for _ in range(2)
    ]

    assert made[0]["requestTime"] == "09/Apr/2015:12:34:56 +0000"
    assert made[0]["requestTimeEpoch"] == 1428582896007
    assert made[0]["identity"] == {"caller": ""}
    assert made[0]["path"] == "/v1/accounts/1/commands/"
    assert re.fullmatch(r"[A-Za-z0-9+/]{15}=", made[0]["extendedRequestId"])
    assert all(made[0][name] != made[1][name] for name in ("requestId", "extendedRequestId"))


MODEL = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["type"],
    "additionalProperties": False,
    "properties": {
        "type": {"enum": ["CreditAccount"]},
        "amount": {"type": "integer", "minimum": 1},
        "reference": {"type": "string", "pattern": "^[ -~]+(?![\\s\\S])$"},
    },
}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no",
        b"[]",
        b"{}",
        b'{"type": "Other"}',
        b'{"type": "CreditAccount", "amount": "1"}',
        b'{"type": "CreditAccount", "amount": 0}',
        b'{"type": "CreditAccount", "amount": 1.5}',
        b'{"type": "CreditAccount", "amount": 1e400}',
        b'{"type": "CreditAccount", "amount": NaN}',
        b'{"type": "CreditAccount", "amount": 1, "reference": "\xff"}',
        b'{"type": "CreditAccount", "\\ud800": 1}',
        b'{"type": "CreditAccount", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_a_body_that_does_not_fit_the_model_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestBodyError):
        BodyModels({"application/json": MODEL}).check("application/json", body)


def test_a_body_of_a_type_without_a_model_is_not_looked_at() -> None:
    BodyModels({"application/json": MODEL}).check("text/plain", b"no")


def responding(*responses: IntegrationResponse) -> Integration:
    return Integration(
        action="GetItem",
        region="eu-central-1",
        timeout=1,
        templates={"application/json": "{}"},
        responses=responses,
        models=BodyModels({}),
    )


def response(pattern: str, status: int, headers: dict[str, str] | None = None) -> IntegrationResponse:
    return IntegrationResponse(pattern=pattern, status=status, template=" $input.body ", headers=headers or {})


@pytest.mark.parametrize(("status", "answered"), [(200, 202), (400, 409), (499, 409), (500, 503), (2000, 503)])
def test_an_answer_is_selected_by_its_whole_status_else_the_default(status: int, answered: int) -> None:
    integration = responding(response("", 503), response("200", 202), response(r"4\d{2}", 409))

    answer = run(integration, REQUEST, lambda *_: (status, b"body"))

    assert (answer.status, answer.body) == (answered, b"body")


def test_without_a_default_an_unexpected_status_is_an_error() -> None:
    with pytest.raises(ConfigurationError):
        run(responding(response("200", 202)), REQUEST, lambda *_: (500, b""))


def test_headers_are_fixed_or_from_the_context() -> None:
    headers = {"Cache-Control": "'no-store'", "X-Correlation-Id": "context.requestId"}

    answer = run(responding(response("", 200, headers)), REQUEST, lambda *_: (200, b""))

    assert answer.headers == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "X-Correlation-Id": "r-1",
    }


def test_a_header_mapping_of_another_kind_is_an_error() -> None:
    with pytest.raises(ConfigurationError):
        run(responding(response("", 200, {"X": "integration.response.header.Y"})), REQUEST, lambda *_: (200, b""))


@pytest.mark.parametrize(
    "deployed",
    [
        {"type": "AWS_PROXY", "uri": "arn:aws:apigateway:r:lambda:path/2015-03-31/functions/x/invocations"},
        {"type": "AWS", "uri": "arn:aws:apigateway:r:sqs:path/1/q"},
        {"type": "AWS_PROXY", "uri": "arn:aws:apigateway:r:dynamodb:action/GetItem"},
        {"type": "MOCK"},
    ],
)
def test_only_actions_of_dynamodb_are_carried_out(deployed: dict[str, Any]) -> None:
    assert parse_integration(deployed) is None
