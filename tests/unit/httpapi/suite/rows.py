"""The rows of an account as they are stored, for auditors."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest

from lambdas.eventsourcing.chain import GENESIS, chain_hash
from tests.unit.httpapi.suite.api import Api
from tests.unit.httpapi.suite.commands import UNKNOWN

ELEMENTS = (
    "stream_id", "version", "commit_id", "type", "schema", "data", "metadata", "occurred_at", "recorded_at", "state",
    "state_schema",
)  # fmt: skip


def rows_of(api: Api, account_id: str, **query: int) -> list[dict[str, Any]]:
    """All rows, newest first, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        page = api.get(f"/accounts/{account_id}/rows", **query).json()
        found += page["rows"]
        if page["next_before"] is None:
            return found
        assert page["next_before"] == found[-1]["version"]
        query["before"] = page["next_before"]


class TestRows:
    def test_they_are_all_that_a_hash_is_made_of(self, api: Api, account_id: str) -> None:
        previous = GENESIS
        rows = rows_of(api, account_id)[::-1]
        assert [each["version"] for each in rows] == list(range(1, 14))
        for row in rows:
            assert tuple(row) == (*ELEMENTS, "hash")
            values: Any = (previous, *(row[name] for name in ELEMENTS))
            previous = chain_hash(values)
            assert row["hash"] == b64encode(previous).decode()
            assert len(b64decode(row["hash"])) == 32
        assert [each["version"] for each in rows if each["state"] is not None] == [1, 11]

    @pytest.mark.parametrize("limit", [1, 6, 12, 13, 100])
    def test_pages_hold_every_row_once(self, api: Api, account_id: str, limit: int) -> None:
        assert [each["version"] for each in rows_of(api, account_id, limit=limit)] == list(range(13, 0, -1))

    def test_from_a_version_on(self, api: Api, account_id: str) -> None:
        path = f"/accounts/{account_id}/rows"
        page = api.get(path, before=4, limit=2).json()
        assert ([each["version"] for each in page["rows"]], page["next_before"]) == ([3, 2], 2)
        page = api.get(path, before=2).json()
        assert ([each["version"] for each in page["rows"]], page["next_before"]) == ([1], None)
        assert api.get(path, before=10**15).json()["rows"][0]["version"] == 13

    def test_of_an_unknown_account(self, api: Api) -> None:
        answer = api.get(f"/accounts/{UNKNOWN}/rows")
        assert (answer.status, answer.problem) == (404, "account-not-found")

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"before": "1"}, "before"),
            ({"before": "0"}, "before"),
            ({"before": "MjI"}, "before"),
            ({"before": "1" * 17}, "before"),
            ({"limit": "0"}, "limit"),
            ({"limit": "101"}, "limit"),
            ({"cursor": "MjI"}, "cursor"),
        ],
        ids=str,
    )
    def test_refuses_other_queries(self, api: Api, query: dict[str, str], field: str) -> None:
        answer = api.get(f"/accounts/{UNKNOWN}/rows", **query)
        assert (answer.status, answer.problem, answer.json()["field"]) == (400, "invalid-request", field)
