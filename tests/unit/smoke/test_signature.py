"""What is signed is what is sent: the signatures of requests as they arrived, computed again by hand.

They are those of the steps, and of the examples in docs/deploy.md. Source: IAM User Guide, "Create a signed AWS API
request" (Signature Version 4): canonical request, string to sign, key.
"""

from __future__ import annotations

import hmac
import re
import subprocess
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import pytest

from docs.examples.signed_request import call as call_of_the_example
from tests.unit.httpapi.suite.api import Call
from tests.unit.smoke.conftest import CREDENTIALS, Tried

PAGE = Path(__file__).parents[3] / "docs" / "deploy.md"
FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<scope>(?P<day>\d{8})/eu-central-1/execute-api/aws4_request), ?"
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
MOMENT = "2026-03-01T12:00:00.001+00:00"


def mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), sha256).digest()


def signatures(call: Call, stage: str = "/v1") -> tuple[str, str]:
    """The signature that AWS would expect of a request, and the one that it bears."""
    headers = {name.lower(): value.strip() for name, value in call.headers}
    form = FORM.fullmatch(headers["authorization"])
    assert form is not None, headers["authorization"]
    assert {"host", "x-amz-date", "x-amz-security-token"} <= set(form["names"].split(";"))
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(call.query))
    signed = "".join(f"{name}:{headers[name]}\n" for name in form["names"].split(";"))
    payload = headers.get("x-amz-content-sha256", sha256(call.body or b"").hexdigest())
    assert payload == sha256(call.body or b"").hexdigest()
    path = quote(stage + call.path, safe="/~")
    canonical = "\n".join((call.method, path, query, signed, form["names"], payload))
    to_sign = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{form['scope']}\n{sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{CREDENTIALS.secret_key}".encode()
    for part in form["scope"].split("/"):
        key = mac(key, part)
    return hmac.new(key, to_sign.encode(), sha256).hexdigest(), form["signature"]


def check_all(calls: list[Call]) -> None:
    assert {call.method for call in calls} == {"GET", "POST"}
    assert any(call.query for call in calls)
    for call in calls:
        expected, found = signatures(call)
        assert found == expected, call.target


def test_the_steps_sign_what_they_send(tried: Tried) -> None:
    tried.run()
    check_all(tried.calls)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials where every AWS program finds them."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", str(CREDENTIALS.token))


@pytest.mark.usefixtures("own")
def test_the_example_in_python_does(tried: Tried) -> None:
    opened = call_of_the_example("POST", f"{tried.url}/accounts", '{"currency":"EUR"}', key="a-key")
    url = f"{tried.url}/accounts/{opened.json()['account_id']}"
    assert call_of_the_example("GET", url).json() == opened.json()
    assert call_of_the_example("GET", f"{url}?at={quote(MOMENT)}").ok
    check_all(tried.calls)
    assert ("idempotency-key", "a-key") in [(name.lower(), value) for name, value in tried.calls[0].headers]


@pytest.mark.programs
@pytest.mark.usefixtures("own")
def test_the_example_with_curl_does(tried: Tried) -> None:
    """With the very function of the page."""
    [function] = re.findall(r"^signed\(\) \{.*?\}$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)

    def run(*arguments: str) -> str:
        line = ["bash", "-euc", f'{function}\nsigned "$@"', "signed", *arguments]
        return subprocess.run(line, capture_output=True, text=True, timeout=30, check=True).stdout

    opened = run(f"{tried.url}/accounts", "-d", '{"currency":"EUR"}', "-H", "Idempotency-Key: first")
    account = opened.split('"')[3]
    assert run(f"{tried.url}/accounts/{account}") == opened
    assert run(f"{tried.url}/accounts/{account}?version=1") == opened
    check_all(tried.calls)
