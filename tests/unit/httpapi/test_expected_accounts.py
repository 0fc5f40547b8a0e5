"""Reading one's own writes, when the account's opening is stored and not carried out yet."""

from __future__ import annotations

from typing import Any

import pytest

from lambdas.eventsourcing.errors import ReadUnavailableError
from tests.unit.httpapi.suite.in_process import InProcessApi, in_process_api

ACCOUNT = "00000000-0000-4000-8000-000000000001"


class Looks:
    """Which accounts are looked for, and what is found."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.found: bool | Exception = False

    def __call__(self, account_id: str) -> bool:
        self.asked.append(account_id)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def looks() -> Looks:
    return Looks()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, looks: Looks) -> InProcessApi:
    return in_process_api(monkeypatch, expected=looks)


@pytest.mark.parametrize("least", [1, 7])
def test_an_account_that_is_about_to_be_opened_is_not_reached_yet(api: InProcessApi, looks: Looks, least: int) -> None:
    looks.found = True
    answer = api.get(f"/accounts/{ACCOUNT}", min_version=least)
    assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "version-not-reached", "1")
    looks.found = False
    answer = api.get(f"/accounts/{ACCOUNT}", min_version=least)
    assert (answer.status, answer.problem) == (404, "account-not-found")
    assert looks.asked == [ACCOUNT, ACCOUNT]


@pytest.mark.parametrize("query", [{}, {"version": 1}, {"at": "2026-01-01T00:00:00Z"}], ids=str)
def test_nobody_looks_who_did_not_ask_for_a_version_to_come(
    api: InProcessApi, looks: Looks, query: dict[str, Any]
) -> None:
    looks.found = True
    assert api.get(f"/accounts/{ACCOUNT}", **query).status == 404
    assert api.get(f"/accounts/{ACCOUNT}/events").status == 404
    assert looks.asked == []


def test_nobody_looks_for_an_account_that_exists(api: InProcessApi, looks: Looks) -> None:
    account = api.open(balance=1)
    assert api.get(f"/accounts/{account}", min_version=2).status == 200
    assert api.get(f"/accounts/{account}", min_version=3).status == 503
    assert looks.asked == []


def test_a_look_that_fails_is_no_404(api: InProcessApi, looks: Looks) -> None:
    looks.found = ReadUnavailableError("nobody's business")
    answer = api.get(f"/accounts/{ACCOUNT}", min_version=1)
    assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "store-unavailable", "1")
