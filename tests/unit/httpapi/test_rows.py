"""Rows for auditors: none too large for an answer, none left out, and what the store does not give is no empty page."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.eventsourcing.rows import EventRow
from lambdas.httpapi.rows import MOST_BYTES, rows_reply
from tests.unit.httpapi.suite.in_process import InProcessApi, in_process_api
from tests.unit.httpapi.suite.rows import rows_of

LAMBDA_BYTES = 6 * 1024 * 1024
ROW_BYTES = 400 * 1024
ACCOUNT = "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10"


def row(version: int, data: str = "{}") -> EventRow:
    at = "2026-03-01T09:30:00.000Z"
    return EventRow(ACCOUNT, version, f"c{version}", "BalanceCredited", 1, data, "{}", at, at, bytes(32))


def answered(rows: list[EventRow]) -> dict[str, Any]:
    """What a client gets; the whole answer, as the function's runtime writes it, is not too large."""
    reply = rows_reply(rows)
    for ascii_only in (True, False):  # runtimes differ in it
        assert len(json.dumps({"statusCode": 200, "body": reply.body}, ensure_ascii=ascii_only).encode()) < LAMBDA_BYTES
    document: dict[str, Any] = json.loads(reply.body)
    return document


@pytest.mark.parametrize("text", ["a", '"', "\\", "\x01", "é", "€", "😀"])
def test_rows_of_any_text_fit_into_an_answer_and_the_rest_is_on_the_next_page(text: str) -> None:
    largest = text * (ROW_BYTES // len(text.encode()))
    rows = [row(version, largest) for version in range(20, 0, -1)]
    document = answered(rows)
    shown = len(document["rows"])
    assert 1 <= shown < 20
    assert document["rows"][0]["data"] == largest
    assert document["next_before"] == 20 - shown + 1


@given(st.lists(st.integers(0, MOST_BYTES // 3), min_size=1, max_size=12))
def test_no_row_is_left_out_between_pages(sizes: list[int]) -> None:
    rows = [row(version, "a" * size) for version, size in zip(range(len(sizes), 0, -1), sizes, strict=True)]
    found: list[int] = []
    while True:
        document = answered(rows[len(found) :])
        found += [each["version"] for each in document["rows"]]
        if document["next_before"] is None:
            break
        assert document["next_before"] == found[-1]
    assert found == list(range(len(sizes), 0, -1))


class BrokenStore(InMemoryEventStore):
    """Answers no reads, or leaves out a row."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.without = 0
        self.reads: list[dict[str, Any]] = []

    def read(self, stream_id: str, **options: Any) -> Any:
        if self.away:
            _fail()
        self.reads.append(options)
        page = super().read(stream_id, **options)
        return replace(page, rows=[each for each in page.rows if each.version != self.without])


def _fail() -> NoReturn:
    raise ReadUnavailableError("nobody's business")


@pytest.fixture
def store() -> BrokenStore:
    return BrokenStore()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, store: BrokenStore) -> InProcessApi:
    return in_process_api(monkeypatch, store=store)


def test_a_store_that_is_away(api: InProcessApi, store: BrokenStore) -> None:
    account_id = api.open(balance=1)
    store.away = True
    answer = api.get(f"/accounts/{account_id}/rows")
    assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "store-unavailable", "1")


def test_a_row_that_is_missing_is_no_page_without_it(api: InProcessApi, store: BrokenStore) -> None:
    account_id = api.open(balance=1)
    api.post(f"/accounts/{account_id}/credit", {"amount": 1})
    store.without = 2
    assert api.get(f"/accounts/{account_id}/rows").problem == "internal-error"
    store.without = 0
    assert len(rows_of(api, account_id)) == 3


def test_who_acted_stands_in_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    api = in_process_api(monkeypatch, caller="AROASOMEBODY:session")
    [stored] = rows_of(api, api.open())
    assert json.loads(stored["metadata"])["actor"] == "AROASOMEBODY"


def test_one_query_answers_a_page(monkeypatch: pytest.MonkeyPatch, store: BrokenStore) -> None:
    api = in_process_api(monkeypatch, store=store)
    account_id = api.open(balance=1)
    store.reads.clear()
    api.get(f"/accounts/{account_id}/rows", limit=1)
    assert [(each["newest_first"], each["limit"]) for each in store.reads] == [(True, 1)]
