"""Random requests, most of them nearly right: an answer of the contract always, a 5xx never."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from lambdas.contracts.reply_examples import NEXT_ACCOUNTS
from lambdas.httpapi.routing import ROUTES
from tests.support.runs import runs
from tests.unit.httpapi.suite.api import Call
from tests.unit.httpapi.suite.conformance import check_conformance
from tests.unit.httpapi.suite.in_process import CONTEXT, InProcessApi, in_process_api, proxy_event

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["EUR", "eur", UNKNOWN, "2026-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "CreditAccount"]),
)
NAMES = st.sampled_from(
    ["type", "amount", "currency", "overdraft_limit", "occurred_at", "reference", "from_account_id", "to_account_id"]
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)
BODIES = st.one_of(st.none(), st.binary(max_size=40), st.builds(lambda value: json.dumps(value).encode(), DOCUMENTS))
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            ["Content-Type", "content-type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Correlation-Id"]
        ),
        st.sampled_from(["application/json", '"1"', 'W/"2", "3"', "*", "key", ""]) | st.text(max_size=10),
    ),
    max_size=4,
)
QUERIES = st.lists(
    st.tuples(
        st.sampled_from(["version", "at", "min_version", "limit", "cursor", "status", "currency", "ids", "from", "to"])
        | st.text(max_size=5),
        st.sampled_from(
            ["1", "2", "0", "20", "2026-01-01T00:00:00Z", "Mg", "open", "EUR", UNKNOWN, "2026-01-01", NEXT_ACCOUNTS]
        )
        | st.text(max_size=10),
    ),
    max_size=3,
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
ACCOUNT_IDS = st.sampled_from(["known", UNKNOWN]) | st.text(min_size=1, max_size=8)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    template = draw(st.sampled_from([*ROUTES, "/{account_id}", "/accounts/{account_id}/{account_id}"]))
    method = draw(st.sampled_from(ROUTES.get(template, ("GET",))) | METHODS)
    account_id = draw(ACCOUNT_IDS)
    path = template.replace("{account_id}", account_id)
    return Call(method, path, draw(QUERIES), draw(HEADERS), draw(BODIES))


@pytest.fixture(scope="module")
def api() -> Iterator[InProcessApi]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield in_process_api(monkeypatch)


@pytest.fixture(scope="module")
def known(api: InProcessApi) -> str:
    return api.open(balance=10**6, overdraft_limit=100)


@given(call=calls(), binary=st.booleans())
@settings(
    max_examples=runs(check=100, test=400, soak=10_000), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
def test_any_request_gets_an_answer_of_the_contract(api: InProcessApi, known: str, call: Call, binary: bool) -> None:
    call = replace(call, path=call.path.replace("known", known))
    event = proxy_event(call, binary=binary)
    response = api.module.handler(event, CONTEXT)
    headers = {name.lower(): ", ".join(values) for name, values in response["multiValueHeaders"].items()}
    if response["statusCode"] >= 500:  # an account may well not be at the version that is asked for
        assert json.loads(response["body"])["type"] == "urn:daybook:problem:version-not-reached"
        assert "min_version" in dict(call.query)
    json.dumps(response)
    check_conformance(call.method, call.path, response["statusCode"], headers, (response["body"] or "").encode())


@given(st.text())
@settings(deadline=None)
def test_a_body_in_bad_base64_is_refused(api: InProcessApi, text: str) -> None:
    event = proxy_event(Call("POST", "/accounts", (), [("Content-Type", "application/json")], b"x"))
    event |= {"body": text, "isBase64Encoded": True}
    response = api.module.handler(event, CONTEXT)
    assert response["statusCode"] in {201, 400}
    if response["statusCode"] == 201:
        assert base64.b64decode(text)
