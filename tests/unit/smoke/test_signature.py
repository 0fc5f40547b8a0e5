"""What is signed is what is sent: the signature of a request as it arrived, computed again by hand.

Source: IAM User Guide, "Create a signed AWS API request" (Signature Version 4): canonical request, string to sign, key.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from urllib.parse import quote

from tests.unit.httpapi.suite.api import Call
from tests.unit.smoke.conftest import CREDENTIALS, Tried

FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<scope>(?P<day>\d{8})/eu-central-1/execute-api/aws4_request), "
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


def mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), sha256).digest()


def signature(call: Call, stage: str) -> tuple[str, str]:
    """The signature that AWS would expect of a request, and the one that it bears."""
    headers = {name.lower(): value.strip() for name, value in call.headers}
    form = FORM.fullmatch(headers["authorization"])
    assert form is not None
    assert {"host", "x-amz-date", "x-amz-security-token"} <= set(form["names"].split(";"))
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(call.query))
    signed = "".join(f"{name}:{headers[name]}\n" for name in form["names"].split(";"))
    canonical = "\n".join(
        (
            call.method,
            quote(stage + call.path, safe="/~"),
            query,
            signed,
            form["names"],
            sha256(call.body or b"").hexdigest(),
        )
    )
    to_sign = f"AWS4-HMAC-SHA256\n{headers['x-amz-date']}\n{form['scope']}\n{sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{CREDENTIALS.secret_key}".encode()
    for part in form["scope"].split("/"):
        key = mac(key, part)
    return hmac.new(key, to_sign.encode(), sha256).hexdigest(), form["signature"]


def test_every_request_bears_the_signature_of_what_arrived(tried: Tried) -> None:
    tried.run()
    assert {call.method for call in tried.calls} == {"GET", "POST"}
    assert any(call.query for call in tried.calls)
    for call in tried.calls:
        expected, found = signature(call, "/v1")
        assert found == expected, call.target
