"""The routes that read: now, the past, pages, and conditional requests."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.httpapi.suite.api import Api
from tests.unit.httpapi.suite.commands import UNKNOWN


def history_of(api: Api, account_id: str, limit: int) -> list[int]:
    """All versions, page by page."""
    versions: list[int] = []
    query: dict[str, str | int] = {"limit": limit}
    while True:
        page = api.get(f"/accounts/{account_id}/events", **query).json()
        assert 1 <= len(page["events"]) <= limit
        versions += [event["version"] for event in page["events"]]
        if page["next_cursor"] is None:
            return versions
        query["cursor"] = page["next_cursor"]


@pytest.fixture
def account_id(api: Api) -> str:
    """An account at version 13 with a balance of 12."""
    account_id = api.open()
    for _ in range(12):
        api.post(f"/accounts/{account_id}/credit", {"amount": 1})
    return account_id


class TestGetAccount:
    def test_unknown_account(self, api: Api) -> None:
        answer = api.get(f"/accounts/{UNKNOWN}")
        assert (answer.status, answer.problem) == (404, "account-not-found")

    def test_every_version_can_be_read(self, api: Api, account_id: str) -> None:
        for version in range(1, 14):
            answer = api.get(f"/accounts/{account_id}", version=version)
            assert (answer.json()["version"], answer.json()["balance"]) == (version, version - 1)
            assert answer.headers["etag"] == f'"{version}"'

    def test_beyond_the_newest_version(self, api: Api, account_id: str) -> None:
        answer = api.get(f"/accounts/{account_id}", version=14)
        assert (answer.status, answer.problem) == (404, "version-not-found")
        assert api.get(f"/accounts/{account_id}", version=10**15).status == 404

    def test_a_version_of_an_unknown_account(self, api: Api) -> None:
        assert api.get(f"/accounts/{UNKNOWN}", version=1).problem == "account-not-found"

    def test_as_the_ledger_knew_it(self, api: Api, account_id: str) -> None:
        fifth = api.get(f"/accounts/{account_id}", version=5).json()
        sixth = api.get(f"/accounts/{account_id}", version=6).json()
        at = api.get(f"/accounts/{account_id}", at=fifth["updated_at"]).json()
        assert at == fifth if fifth["updated_at"] != sixth["updated_at"] else at["version"] > 5
        offset = datetime.fromisoformat(fifth["updated_at"]).astimezone(UTC).isoformat()
        assert api.get(f"/accounts/{account_id}", at=offset).json() == at

    def test_says_when_the_answer_may_still_change(self, api: Api, account_id: str) -> None:
        """About a moment that is just over and not before the newest event; whatever the status."""
        newest = api.get(f"/accounts/{account_id}").json()["updated_at"]
        for headers, status in (
            ({}, 200),
            ({"If-None-Match": '"13"'}, 304),
            ({"If-Match": '"12"'}, 412),
        ):
            answer = api.get(f"/accounts/{account_id}", headers, at=newest)
            assert (answer.status, answer.headers["daybook-settled"]) == (status, "false")
        unknown = api.get(f"/accounts/{UNKNOWN}", at=newest)
        assert (unknown.status, unknown.headers["daybook-settled"]) == (404, "false")

    def test_says_nothing_when_it_may_not(self, api: Api, account_id: str) -> None:
        first = api.get(f"/accounts/{account_id}", version=1).json()["updated_at"]
        for path, query in (
            (account_id, {"at": first}),
            (account_id, {"at": "2020-01-01T00:00:00Z"}),
            (UNKNOWN, {"at": "2020-01-01T00:00:00Z"}),
            (account_id, {"version": 13}),
            (account_id, {}),
        ):
            answer = api.get(f"/accounts/{path}", **query)
            assert answer.status in (200, 404)
            assert "daybook-settled" not in answer.headers

    def test_before_the_first_event(self, api: Api, account_id: str) -> None:
        answer = api.get(f"/accounts/{account_id}", at="2020-01-01T00:00:00Z")
        assert (answer.status, answer.problem) == (404, "account-not-found")
        assert api.get(f"/accounts/{UNKNOWN}", at="2020-01-01T00:00:00Z").problem == "account-not-found"

    def test_the_future_cannot_be_read(self, api: Api, account_id: str) -> None:
        ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        for at in (ahead, "9999-12-31T23:59:59-12:00"):
            answer = api.get(f"/accounts/{account_id}", at=at)
            assert (answer.status, answer.json()["field"]) == (400, "at")

    @pytest.mark.parametrize("at", ["2026-03-01T09:30:00", "2026-03-01T09:30:00+0100", "0001-01-01T00:00:00Z"])
    def test_what_is_no_moment_cannot_be_read(self, api: Api, account_id: str, at: str) -> None:
        answer = api.get(f"/accounts/{account_id}", at=at)
        assert (answer.status, answer.json()["field"]) == (400, "at")

    def test_the_moment_asked_for_is_cut_never_rounded(self, api: Api, account_id: str) -> None:
        """Rounded up, `at` would show what was booked after it."""
        newest = api.get(f"/accounts/{account_id}").json()
        just_before = datetime.fromisoformat(newest["updated_at"]) - timedelta(milliseconds=1)
        at = just_before.isoformat(timespec="milliseconds").replace("+00:00", "9999Z")
        answer = api.get(f"/accounts/{account_id}", at=at)
        assert answer.status == 404 or answer.json()["updated_at"] < newest["updated_at"]

    def test_read_your_writes(self, api: Api, account_id: str) -> None:
        assert api.get(f"/accounts/{account_id}", min_version=13).status == 200
        answer = api.get(f"/accounts/{account_id}", min_version=14)
        assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "version-not-reached", "1")
        assert api.get(f"/accounts/{UNKNOWN}", min_version=1).status == 404

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"version": 0}, "version"),
            ({"version": "1.0"}, "version"),
            ({"version": "-1"}, "version"),
            ({"version": "٣"}, "version"),
            ({"version": "1" * 5000}, "version"),
            ({"version": ""}, "version"),
            ({"min_version": 0}, "min_version"),
            ({"min_version": "x"}, "min_version"),
            ({"at": ""}, "at"),
            ({"at": "2026-01-01"}, "at"),
            ({"at": "2026-01-01T00:00:00"}, "at"),
            ({"at": "0001-01-01T00:00:00+14:00"}, "at"),
            ({"at": "now"}, "at"),
            ({"at": "2026-01-01T00:00:00Z", "version": 1}, "at"),
            ({"at": "2026-01-01T00:00:00Z", "min_version": 1}, "min_version"),
            ({"version": 1, "min_version": 1}, "min_version"),
            ({"Version": 1}, "Version"),
            ({"verbose": "true"}, "verbose"),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_refuses_other_queries(self, api: Api, query: dict[str, str | int], field: str) -> None:
        answer = api.get(f"/accounts/{UNKNOWN}", **query)
        assert (answer.status, answer.problem, answer.json()["field"]) == (400, "invalid-request", field)

    @pytest.mark.parametrize("at", ["2026-01-01T00:00:00 01:00", "2026-01-01t00:00:00.5 00:00"])
    def test_a_plus_that_became_a_space_is_told(self, api: Api, at: str) -> None:
        answer = api.get(f"/accounts/{UNKNOWN}", at=at)
        assert (answer.status, "%2B" in answer.json()["detail"]) == (400, True)
        assert api.get(f"/accounts/{UNKNOWN}", at=at.replace(" ", "+")).status == 404

    def test_a_query_that_is_unknown_is_named_as_it_may_be(self, api: Api) -> None:
        answer = api.get(f"/accounts/{UNKNOWN}", **{"<b>": "1"})
        assert answer.json()["field"] == r"\u003cb\u003e"
        assert "which has version, at and min_version" in answer.json()["detail"]


class TestIfNoneMatch:
    @pytest.mark.parametrize("header", ['"13"', 'W/"13"', '"1", W/"13"', "*", '"x,y","13"'])
    def test_not_modified(self, api: Api, account_id: str, header: str) -> None:
        answer = api.get(f"/accounts/{account_id}", {"If-None-Match": header})
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", '"13"')

    @pytest.mark.parametrize("header", ['"12"', '"013"', '""', '"1","2"'])
    def test_modified(self, api: Api, account_id: str, header: str) -> None:
        assert api.get(f"/accounts/{account_id}", {"If-None-Match": header}).json()["balance"] == 12

    def test_in_the_past(self, api: Api, account_id: str) -> None:
        assert api.get(f"/accounts/{account_id}", {"If-None-Match": '"5"'}, version=5).status == 304

    def test_an_unknown_account_is_not_found(self, api: Api) -> None:
        assert api.get(f"/accounts/{UNKNOWN}", {"If-None-Match": "*"}).status == 404


class TestHistory:
    def test_tells_what_happened_newest_first(self, api: Api) -> None:
        account_id = api.open(overdraft_limit=5)
        api.post(f"/accounts/{account_id}/credit", {"amount": 3, "reference": "one"})
        api.post(f"/accounts/{account_id}/withdraw", {"amount": 3})
        api.post(f"/accounts/{account_id}/close")
        page = api.get(f"/accounts/{account_id}/events").json()
        assert page["next_cursor"] is None
        assert [(event["version"], event["type"], event["data"]) for event in page["events"]] == [
            (4, "AccountClosed", {"currency": "EUR"}),
            (3, "BalanceWithdrawn", {"amount": 3, "currency": "EUR"}),
            (2, "BalanceCredited", {"amount": 3, "currency": "EUR", "reference": "one"}),
            (1, "AccountCreated", {"currency": "EUR", "overdraft_limit": 5}),
        ]

    @pytest.mark.parametrize("limit", [1, 6, 12, 13, 100])
    def test_pages_hold_every_event_once(self, api: Api, account_id: str, limit: int) -> None:
        assert history_of(api, account_id, limit) == list(range(13, 0, -1))

    def test_a_page_has_twenty_events_unless_told_otherwise(self, api: Api, account_id: str) -> None:
        for _ in range(8):
            api.post(f"/accounts/{account_id}/credit", {"amount": 1})
        page = api.get(f"/accounts/{account_id}/events").json()
        assert [event["version"] for event in page["events"]] == list(range(21, 1, -1))
        assert page["next_cursor"] is not None

    def test_events_that_come_later_do_not_shift_pages(self, api: Api, account_id: str) -> None:
        first = api.get(f"/accounts/{account_id}/events", limit=5).json()
        api.post(f"/accounts/{account_id}/credit", {"amount": 1})
        second = api.get(f"/accounts/{account_id}/events", limit=5, cursor=first["next_cursor"]).json()
        assert [event["version"] for event in second["events"]] == [8, 7, 6, 5, 4]

    def test_unknown_account(self, api: Api) -> None:
        assert api.get(f"/accounts/{UNKNOWN}/events").problem == "account-not-found"

    @pytest.mark.parametrize("limit", ["0", "101", "-1", "1e1", "", "x", "+5", " 5"])
    def test_refuses_other_limits(self, api: Api, limit: str) -> None:
        answer = api.get(f"/accounts/{UNKNOWN}/events", limit=limit)
        assert (answer.status, answer.json()["field"]) == (400, "limit")

    @pytest.mark.parametrize(
        "cursor",
        [
            "",
            "x",
            "%%%",
            "é",
            "Mg==",
            "M" * 5000,
            *[base64.urlsafe_b64encode(t).decode().rstrip("=") for t in (b"0", b"1", b"02", b"-5", b"2 ")],
        ],
        ids=lambda cursor: cursor[:20],
    )
    def test_refuses_other_cursors(self, api: Api, cursor: str) -> None:
        answer = api.get(f"/accounts/{UNKNOWN}/events", cursor=cursor)
        assert (answer.status, answer.json()["field"]) == (400, "cursor")
