"""Calls the HTTP API with signed requests, and says of a refusal what it is for and what would mend it.

Source of the signature: AWS Signature Version 4 for API requests (IAM User Guide), service name `execute-api`, as
botocore makes it. It needs neither boto3 nor an HTTP library.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ssl import create_default_context
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambdas.contracts.http import Problem
from lambdas.contracts.operations import Operation
from lambdas.contracts.policies import ACTION, policy_of
from lambdas.contracts.problems import (
    FORBIDDEN,
    NOT_APPLIED,
    READ_MODEL_NOT_BUILT,
    TEST_CALLERS_ONLY,
    TOO_MANY_REQUESTS,
    TYPE_PREFIX,
)
from lambdas.smoke.steps import StepFailedError

SERVICE: Final = "execute-api"
TIMEOUT_SECONDS: Final = 35.0
"""More than the gateway's 29 s: its answer says more than a timeout here."""

_UNSIGNED_WELL: Final = ("signature", "expired", "not signed", "token")
"""Words of the gateway's reasons that are about the credentials, not about a policy (stacks/gateway_answers.py)."""

T = TypeVar("T")


class RefusedError(StepFailedError):
    """The API refused a request, with a problem of the contract. `code` is its type without the prefix."""

    def __init__(self, what: str, why: str, look_at: str, *, code: str) -> None:
        super().__init__(what, why, look_at)
        self.code = code


@dataclass(frozen=True)
class Answer:
    """An answer of the API; header names in lower case."""

    route: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self, kind: type[T]) -> T:
        """The body as one of the contract's shapes. Raises StepFailedError."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise StepFailedError(
                f"{self.route} answered {self.status}",
                f"its body is not as the contract says: {error}",
                "whether the API's release is the one that this checks (the contract is of this checkout)",
            ) from None


class Api:
    """One deployed API at `url`, without a trailing slash, called with `credentials` under one correlation id."""

    def __init__(self, url: str, *, credentials: Credentials, region: str, correlation_id: str) -> None:
        self._url = url
        self._place = urlsplit(url)
        self._credentials = credentials
        self._region = region
        self._correlation_id = correlation_id

    def call(
        self,
        operation: Operation,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Answer:
        """Send one request. Raises StepFailedError unless the answer has the operation's own status: RefusedError for a
        problem of the contract."""
        route = f"{operation.method} {operation.path}"
        answer = self._send(operation, route, self._target(operation, path or {}, query or {}), body, key)
        if answer.status != operation.status:
            raise _refused(answer, operation, self._correlation_id)
        return answer

    def _target(self, operation: Operation, path: Mapping[str, str], query: Mapping[str, str]) -> str:
        filled = operation.path.format(**{name: quote(value, safe="") for name, value in path.items()})
        return self._url + filled + (f"?{urlencode(query)}" if query else "")

    def _send(
        self, operation: Operation, route: str, url: str, body: Mapping[str, Any] | None, key: str | None
    ) -> Answer:
        headers = {"Content-Type": "application/json", "X-Correlation-Id": self._correlation_id}
        if key is not None:
            headers["Idempotency-Key"] = key
        content = None if body is None else json.dumps(body).encode()
        request = AWSRequest(method=operation.method, url=url, data=content, headers=headers)
        SigV4Auth(self._credentials.get_frozen_credentials(), SERVICE, self._region).add_auth(request)
        target = url.partition(self._place.netloc)[2]
        try:
            with closing(_connection(self._place)) as connection:
                connection.request(operation.method, target, body=content, headers=dict(request.headers.items()))
                response = connection.getresponse()
                told = {name.lower(): value for name, value in response.getheaders()}
                return Answer(route, response.status, told, response.read())
        except (OSError, HTTPException) as error:
            raise StepFailedError(
                f"{route} got no answer",
                f"{type(error).__name__}: {error}",
                f"whether {self._place.netloc} is the API's address (output ApiUrl) and can be reached from here "
                "(HTTPS_PROXY, NO_PROXY, AWS_CA_BUNDLE)",
            ) from None


def _connection(place: SplitResult) -> HTTPConnection:
    """A connection to the API, by the proxy and with the certificates that botocore would take, too.

    Source: botocore's configuration, `HTTPS_PROXY`, `NO_PROXY` and `AWS_CA_BUNDLE`.
    """
    if place.scheme != "https":
        return HTTPConnection(place.netloc, timeout=TIMEOUT_SECONDS)
    context = create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None)
    proxy = urlsplit(getproxies().get("https", ""))
    if not proxy.hostname or proxy_bypass(place.netloc):
        return HTTPSConnection(place.netloc, timeout=TIMEOUT_SECONDS, context=context)
    connection = HTTPSConnection(proxy.hostname, proxy.port, timeout=TIMEOUT_SECONDS, context=context)
    who = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}" if proxy.username else ""
    told = {"Proxy-Authorization": f"Basic {b64encode(who.encode()).decode()}"} if who else {}
    connection.set_tunnel(place.hostname or "", place.port, told)
    return connection


def _refused(answer: Answer, operation: Operation, correlation_id: str) -> StepFailedError:
    problem = _problem(answer)
    what = f"{answer.route} answered {answer.status}"
    if problem is None:
        text = answer.body[:200].decode("utf-8", "replace")
        return StepFailedError(what, f"not a problem of the contract: {text!r}", "whether ApiUrl is this API's address")
    code = problem.type.removeprefix(TYPE_PREFIX)
    why = f"{code}, {problem.detail or problem.title}"
    return RefusedError(what, why, _advice(code, str(problem.detail or ""), operation, correlation_id), code=code)


_ADVICE: Final[Mapping[str, str]] = {
    TEST_CALLERS_ONLY.code: "add this id to test_callers of the environment in stacks/environment.py, and deploy it",
    TOO_MANY_REQUESTS.code: (
        "the API's throttle (throttling_rate, throttling_burst), and the account's concurrency of Lambda"
    ),
    READ_MODEL_NOT_BUILT.code: "`daybook projections rebuild`, which the first deployment needs (docs/deploy.md)",
}


def _advice(code: str, detail: str, operation: Operation, correlation_id: str) -> str:
    match code:
        case FORBIDDEN.code if any(word in detail for word in _UNSIGNED_WELL):
            return "the credentials: their session, this machine's clock, the region, and `aws sts get-caller-identity`"
        case FORBIDDEN.code:
            needed = f"{ACTION} on {operation.method} {operation.path}"
            return f"the caller's policies: it needs {needed}, which the policy {policy_of(operation)} gives"
        case NOT_APPLIED.code:
            return f"whether writes are off for a restore, then the alarms, and `daybook trace {correlation_id}`"
        case code if code in _ADVICE:
            return _ADVICE[code]
        case _:
            return f"the environment's alarms, and `daybook trace {correlation_id}`"


def _problem(answer: Answer) -> Problem | None:
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except (msgspec.MsgspecError, UnicodeError):
        return None
