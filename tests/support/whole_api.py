"""The whole HTTP API on a port of this machine: the function's code, the gateway's templates, tables in this process.

What is stored stays PENDING until `carry_out` hands it to the processor. All clocks stand still, unless a test gives
the function another.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from lambdas.eventsourcing.dynamodb_schema import EVENT_TABLE_HASH_KEY
from lambdas.inbox import table
from local.gateway.answers import Answer as GatewayAnswer
from tests.support.clocks import START
from tests.support.command_gateway import CommandGateway
from tests.support.commands import command_record, new_processor
from tests.support.dynamodb_tables import create_tables, moto_client, store_on
from tests.support.followed_ledger import FollowedLedger
from tests.unit.httpapi.suite.api import Answer, Call
from tests.unit.httpapi.suite.in_process import in_process_api

Clock = Callable[[], datetime]

STAGE = "/v1"
_STORED = re.compile(r"/accounts/([^/]+)/commands(?:/([^/]+))?")


class WholeApi:
    """Both doors of the API on tables of `client`, and what carries out stored commands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, client: Any, *, test_callers: str, clock: Clock) -> None:
        self._client = client
        self._tables = create_tables(client)
        store = store_on(client, self._tables)
        followed = FollowedLedger(store, streams=self._accounts)
        self._function = in_process_api(
            monkeypatch, store=store, clock=clock, test_callers=test_callers, followed=followed
        )
        self._gateway = CommandGateway(self._tables.commands)
        self._processor = new_processor(store, test_callers=test_callers.split(","))

    def answer(self, call: Call) -> Answer:
        """What API Gateway does with a request: the function answers it, or DynamoDB."""
        stored = _STORED.fullmatch(call.path)
        if stored is None:
            return self._function.exchange(call)
        account_id, command_id = stored.groups()
        options: Any = {"account_id": account_id, "now": START}
        if command_id is None:
            return _answer(self._gateway.post(call.body or b"", call.headers, **options))
        return _answer(self._gateway.get(unquote(command_id), call.headers, **options))

    def _accounts(self) -> set[str]:
        rows = self._client.scan(TableName=self._tables.events, ConsistentRead=True)["Items"]
        return {row[EVENT_TABLE_HASH_KEY]["S"] for row in rows}

    def carry_out(self) -> None:
        """Hand every pending command to the processor, as the table's stream does."""
        rows = self._client.scan(TableName=self._tables.commands, ConsistentRead=True)["Items"]
        pending = [row for row in rows if row.get(table.STATUS) == {"S": table.PENDING}]
        self._processor.process([command_record(row, number) for number, row in enumerate(pending, 1)], lambda: True)


def _answer(answer: GatewayAnswer) -> Answer:
    return Answer(answer.status, answer.headers, answer.body)


@contextmanager
def served(
    monkeypatch: pytest.MonkeyPatch, *, test_callers: str = "", clock: Clock = lambda: START
) -> Iterator[tuple[WholeApi, str]]:
    """The API and its URL."""
    with moto_client() as client:
        api = WholeApi(monkeypatch, client, test_callers=test_callers, clock=clock)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) or None
                pairs = tuple(parse_qsl(query, keep_blank_values=True))
                call = Call(self.command, path.removeprefix(STAGE), pairs, self.headers.items(), body)
                answer = api.answer(call)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_POST = do_GET  # noqa: N815 - the name that the server calls

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield api, f"http://127.0.0.1:{server.server_port}{STAGE}"
            finally:
                server.shutdown()
                thread.join()
