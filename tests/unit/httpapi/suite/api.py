"""An API under test, in process or over HTTP; every answer is held against the committed OpenAPI document."""

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.unit.httpapi.suite.conformance import check_conformance

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """A response; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The code of the problem; fails for anything that is no problem."""
        assert self.headers["content-type"] == "application/problem+json", self
        document = self.json()
        assert document["status"] == self.status
        assert document.get("detail", "").casefold() not in {document["title"].casefold(), "none"}
        prefix, _, code = document["type"].rpartition(":")
        assert prefix == "urn:daybook:problem"
        return str(code)


@dataclass(frozen=True)
class Call:
    """One request as it goes to the transport."""

    method: str
    path: str
    query: Pairs = ()
    headers: Pairs = ()
    body: bytes | None = None

    @property
    def target(self) -> str:
        """Path and query as in a request line."""
        return f"{self.path}?{urlencode(list(self.query))}" if self.query else self.path


@dataclass
class Api(ABC):
    """What the tests call. `url` is where the API is mounted, without a trailing slash; `seal` has the log sealed."""

    url: str = field(default="https://api.example/v1", kw_only=True)
    seal: Callable[[], object] = field(default=lambda: None, kw_only=True)

    @abstractmethod
    def exchange(self, call: Call) -> Answer:
        """Send one request."""

    def send(self, call: Call) -> Answer:
        """Send one request and check that the answer is one the contract knows."""
        answer = self.exchange(call)
        check_conformance(call.method, call.path, answer.status, answer.headers, answer.body)
        return answer

    def get(self, path: str, headers: Mapping[str, str] | None = None, /, **query: str | int) -> Answer:
        pairs = [(name, str(value)) for name, value in query.items()]
        return self.send(Call("GET", path, pairs, list((headers or {}).items())))

    def post(self, path: str, document: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """POST a JSON document; None for no body at all."""
        body = None if document is None else json.dumps(document).encode()
        sent = dict(headers or {})
        if body is not None:
            sent = {"Content-Type": "application/json"} | sent
        return self.send(Call("POST", path, (), list(sent.items()), body))

    def open(self, balance: int = 0, **fields: object) -> str:
        """The id of a new account, in EUR unless told otherwise."""
        answer = self.post("/accounts", {"currency": "EUR"} | fields)
        assert answer.status == 201
        account_id = str(answer.json()["account_id"])
        if balance:
            assert self.post(f"/accounts/{account_id}/credit", {"amount": balance}).status == 200
        return account_id

    def balance(self, account_id: str) -> int:
        return int(self.get(f"/accounts/{account_id}").json()["balance"])

    def version(self, account_id: str) -> int:
        return int(self.get(f"/accounts/{account_id}").json()["version"])


def new_key() -> str:
    """An idempotency key that no other test uses."""
    return f"test:{uuid.uuid4()}"
