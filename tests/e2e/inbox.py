"""Asynchronous commands of a deployed API: handed over, followed to their end, and looked for in what they changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lambdas.service.derived_ids import effect_id
from local.emulator import aws
from local.machine.environment import Environment
from tests.e2e.waiting import PATIENCE_SECONDS, eventually
from tests.unit.httpapi.suite.api import Answer, Call, new_key
from tests.unit.httpapi.suite.over_http import HttpApi

AGAIN = (429, 503)
Body = Mapping[str, Any] | bytes
Item = dict[str, dict[str, Any]]


def patiently(request: Callable[[], Answer]) -> Answer:
    """The answer, after as many requests as it takes: 429 and 503 ask the client to send the same again."""

    def answered() -> Answer | None:
        answer = request()
        return None if answer.status in AGAIN else answer

    found: Answer = eventually(answered, f"another answer than {AGAIN}")
    return found


@dataclass(frozen=True)
class Stored:
    """A command that was answered 202."""

    account_id: str
    command_id: str
    answer: Answer

    @property
    def stored_id(self) -> str:
        """Its id in the commands table, in logs and for an operator: nobody has to say who he is here."""
        return f"anonymous/{self.command_id}"

    @property
    def effect(self) -> str:
        """What its events call it."""
        return effect_id(self.account_id, self.stored_id)

    @property
    def path(self) -> str:
        """Where the answer says to look: Location, relative to the URL that was posted to."""
        return f"/accounts/{self.account_id}/{self.answer.headers['location']}"


class Inbox:
    """The deployed system, as far as commands pass through it. Every answer is held against the contract."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.api = HttpApi(url=environment.api_url, common_headers=environment.headers)
        self.dynamodb = aws.client(environment, "dynamodb")

    def send(self, account_id: str, body: Body, key: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """POST a command, under a new key if none is given; `headers` replace the usual ones."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", "Idempotency-Key": key or new_key(), **(headers or {})}
        return self.api.send(Call("POST", f"/accounts/{account_id}/commands", (), list(sent.items()), content))

    def store(self, account_id: str, body: Body, key: str = "", headers: Mapping[str, str] | None = None) -> Stored:
        """The same for a command that must be accepted."""
        key = key or new_key()
        answer = patiently(lambda: self.send(account_id, body, key, headers))
        assert answer.status == 202, answer
        document = answer.json()
        assert (document["account_id"], document["command_id"]) == (account_id, key)
        assert answer.headers["location"] == f"commands/{key}"
        assert answer.headers.get("retry-after") == ("1" if document["status"] == "PENDING" else None)
        return Stored(account_id, key, answer)

    def state(self, stored: Stored) -> dict[str, Any]:
        """What the API says of a command now; Retry-After stands with PENDING and nothing else."""
        answer = patiently(lambda: self.api.get(stored.path))
        assert answer.status == 200, answer
        document: dict[str, Any] = answer.json()
        assert answer.headers.get("retry-after") == ("1" if document["status"] == "PENDING" else None)
        return document

    def end(self, stored: Stored, patience: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """What the API says once the command is not PENDING any more."""

        def ended() -> dict[str, Any] | None:
            found = self.state(stored)
            return None if found["status"] == "PENDING" else found

        found: dict[str, Any] = eventually(ended, f"the end of {stored.path}", patience)
        return found

    def rows(self, account_id: str) -> list[Item]:
        """The account's rows in the commands table."""
        return self._all(self.environment.commands_table, "account_id", account_id)

    def events(self, account_id: str) -> list[dict[str, Any]]:
        """The account's rows in the event table, oldest first: version, type, data and metadata."""
        return [
            {
                "version": int(row["version"]["N"]),
                "type": row["type"]["S"],
                "data": json.loads(row["data"]["S"]),
                "metadata": json.loads(row["metadata"]["S"]),
            }
            for row in self._all(self.environment.event_table, "stream_id", account_id)
        ]

    def _all(self, table: str, hash_key: str, value: str) -> list[Item]:
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": hash_key},
            ExpressionAttributeValues={":value": {"S": value}},
            ConsistentRead=True,
        )
        return [item for page in pages for item in page["Items"]]
