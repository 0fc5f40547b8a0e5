"""The routes that read from read models. Those follow the ledger: a test waits until they have what it did.

Where the deployed system is used by others, too, only the accounts of the test count; it opens them in currencies that
are rare there, so that they stand on few pages.
"""

from __future__ import annotations

import base64
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.httpapi.suite.api import Answer, Api, Call
from tests.unit.httpapi.suite.commands import UNKNOWN

PATIENCE_SECONDS = 60.0


def read(api: Api, *account_ids: str, min_version: int = 1) -> Answer:
    """The accounts, once the read model has all of them at this version."""
    ids, deadline = ",".join(account_ids), time.monotonic() + PATIENCE_SECONDS
    while (answer := api.get("/accounts", ids=ids, min_version=min_version)).status == 503:
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    assert answer.status == 200, answer
    return answer


def listed(api: Api, **query: str | int) -> list[str]:
    """The ids of all accounts that are listed, page by page."""
    found: list[str] = []
    while True:
        page = api.get("/accounts", **query).json()
        assert len(page["accounts"]) <= int(query.get("limit", 20))
        found += [each["account_id"] for each in page["accounts"]]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


def days_around_today() -> dict[str, str]:
    """From yesterday to tomorrow, in UTC: whatever midnight does."""
    today = datetime.now(UTC).date()
    return {"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=1))}


def booked(api: Api, currency: str) -> dict[str, int]:
    """The sum of the totals of the days around today."""
    answer = api.get("/totals", **days_around_today(), currency=currency)
    assert answer.status == 200
    days = answer.json()["totals"]
    return {name: sum(int(day[name]) for day in days) for name in (days[0] if days else ()) if name != "day"}


class TestAccountsByIds:
    def test_shows_an_account_as_the_ledger_has_it(self, api: Api) -> None:
        account_id = api.open(balance=700, overdraft_limit=50)
        account = api.get(f"/accounts/{account_id}").json()
        opened = api.get(f"/accounts/{account_id}", version=1).json()
        answer = read(api, account_id, min_version=2)
        assert answer.json()["next_cursor"] is None
        assert answer.json()["accounts"] == [
            {
                "account_id": account_id,
                "status": "open",
                "currency": "EUR",
                "balance": 700,
                "overdraft_limit": 50,
                "version": 2,
                "opened_at": opened["updated_at"],
                "last_activity_at": account["updated_at"],
                "events": 2,
            }
        ]

    def test_reads_what_was_just_written(self, api: Api) -> None:
        account_id = api.open()
        for version in range(2, 6):
            written = api.post(f"/accounts/{account_id}/credit", {"amount": 1}).json()
            (found,) = read(api, account_id, min_version=version).json()["accounts"]
            assert (found["version"], found["balance"]) == (written["version"], written["balance"])

    def test_a_version_that_is_not_there_yet(self, api: Api) -> None:
        account_id, other = api.open(), api.open()
        api.post(f"/accounts/{other}/credit", {"amount": 1})
        read(api, other, min_version=2)
        read(api, account_id)
        for ids in (account_id, f"{other},{account_id}", f"{account_id},{other}"):
            answer = api.get("/accounts", ids=ids, min_version=2)
            assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "version-not-reached", "1")
            assert account_id in answer.json()["detail"]

    def test_of_an_unknown_account_no_version_is_there(self, api: Api) -> None:
        answer = api.get("/accounts", ids=UNKNOWN, min_version=1)
        assert (answer.status, answer.problem) == (503, "version-not-reached")

    def test_unknown_ones_are_left_out_and_the_order_is_kept(self, api: Api) -> None:
        accounts = [api.open() for _ in range(3)]
        read(api, *accounts)
        for ids in (accounts, accounts[::-1], [UNKNOWN, accounts[1], str(uuid.uuid4()), accounts[0]]):
            found = api.get("/accounts", ids=",".join(ids)).json()["accounts"]
            assert [each["account_id"] for each in found] == [each for each in ids if each in accounts]
        assert api.get("/accounts", ids=UNKNOWN).json() == {"accounts": [], "next_cursor": None}

    def test_a_hundred_at_most(self, api: Api) -> None:
        ids = [str(uuid.uuid4()) for _ in range(101)]
        assert api.get("/accounts", ids=",".join(ids[:100])).json()["accounts"] == []
        assert api.get("/accounts", ids=",".join(ids)).json()["field"] == "ids"


class TestAccountList:
    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_pages_hold_every_account_once(self, api: Api, limit: int) -> None:
        accounts = [api.open(currency="ISK") for _ in range(5)]
        api.post(f"/accounts/{accounts[0]}/close")
        read(api, accounts[0], min_version=2)
        read(api, *accounts[1:])
        found = listed(api, currency="ISK", limit=limit)
        assert len(found) == len(set(found))
        assert set(accounts) <= set(found)

    def test_a_page_has_twenty_accounts_unless_told_otherwise(self, api: Api) -> None:
        accounts = [api.open(currency="KMF") for _ in range(21)]
        read(api, *accounts)
        page = api.get("/accounts", currency="KMF", status="open").json()
        assert len(page["accounts"]) == 20
        assert page["next_cursor"] is not None
        assert set(accounts) <= set(listed(api, currency="KMF", status="open"))

    def test_by_status_and_currency(self, api: Api) -> None:
        still_open, closed, foreign = api.open(currency="VUV"), api.open(currency="VUV"), api.open(currency="UYW")
        api.post(f"/accounts/{closed}/close")
        read(api, still_open, foreign)
        read(api, closed, min_version=2)
        ours = {still_open, closed, foreign}
        for query, expected in (
            ({"currency": "VUV"}, {still_open, closed}),
            ({"currency": "VUV", "status": "open"}, {still_open}),
            ({"currency": "VUV", "status": "closed"}, {closed}),
            ({"currency": "UYW", "status": "open"}, {foreign}),
            ({"currency": "UYW", "status": "closed"}, set()),
            ({"currency": "ZZZ"}, set()),
        ):
            found = listed(api, **query)
            assert set(found) & ours == expected, query
            assert not {"currency": "ZZZ"}.items() <= query.items() or found == []

    def test_shows_each_account_as_it_is_by_its_id(self, api: Api) -> None:
        account_id = api.open(balance=5, currency="UYW", overdraft_limit=3)
        by_id = read(api, account_id, min_version=2).json()["accounts"]
        page = api.get("/accounts", currency="UYW", status="open", limit=100).json()
        assert [each for each in page["accounts"] if each["account_id"] == account_id] == by_id

    def test_a_cursor_goes_with_its_filters_only(self, api: Api) -> None:
        accounts = [api.open(currency="ISK") for _ in range(2)]
        read(api, *accounts)
        cursor = api.get("/accounts", currency="ISK", status="open", limit=1).json()["next_cursor"]
        assert api.get("/accounts", currency="ISK", status="open", limit=100, cursor=cursor).status == 200
        for query in ({}, {"currency": "ISK"}, {"status": "open"}, {"currency": "ISK", "status": "closed"},
                      {"currency": "EUR", "status": "open"}):  # fmt: skip
            answer = api.get("/accounts", cursor=cursor, **query)
            assert (answer.status, answer.json()["field"], "filters" in answer.json()["detail"]) == (
                400,
                "cursor",
                True,
            )

    def test_a_cursor_of_a_generation_that_is_gone(self, api: Api) -> None:
        accounts = [api.open(currency="ISK") for _ in range(2)]
        read(api, *accounts)
        cursor = api.get("/accounts", currency="ISK", status="open", limit=1).json()["next_cursor"]
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        generation, comma, rest = text.partition(b",")
        assert generation.startswith(b"[")
        for other in (b"[999999", b"[1000000000000000000000"):
            made = base64.urlsafe_b64encode(other + comma + rest).decode().rstrip("=")
            answer = api.get("/accounts", currency="ISK", status="open", cursor=made)
            assert (answer.status, answer.json()["field"]) == (400, "cursor")
            assert "begin again without it" in answer.json()["detail"]

    def test_a_cursor_of_the_history_is_none_of_the_list(self, api: Api) -> None:
        account_id = api.open(balance=1)
        cursor = api.get(f"/accounts/{account_id}/events", limit=1).json()["next_cursor"]
        assert api.get("/accounts", cursor=cursor).json()["field"] == "cursor"

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"status": "frozen"}, "status"),
            ({"status": ""}, "status"),
            ({"status": "OPEN"}, "status"),
            ({"currency": "eur"}, "currency"),
            ({"currency": "EURO"}, "currency"),
            ({"currency": ""}, "currency"),
            ({"limit": 0}, "limit"),
            ({"limit": 101}, "limit"),
            ({"limit": "1.0"}, "limit"),
            ({"limit": ""}, "limit"),
            ({"limit": "9" * 5000}, "limit"),
            ({"cursor": ""}, "cursor"),
            ({"cursor": "x"}, "cursor"),
            ({"cursor": "M" * 5000}, "cursor"),
            ({"cursor": "%%%"}, "cursor"),
            ({"cursor": "é"}, "cursor"),
            ({"min_version": 1}, "min_version"),
            ({"min_version": "x"}, "min_version"),
            ({"ids": ""}, "ids"),
            ({"ids": ","}, "ids"),
            ({"ids": "savings"}, "ids"),
            ({"ids": f"{UNKNOWN},"}, "ids"),
            ({"ids": f"{UNKNOWN},{UNKNOWN}"}, "ids"),
            ({"ids": f"{UNKNOWN};{UNKNOWN}"}, "ids"),
            ({"ids": UNKNOWN, "status": "open"}, "status"),
            ({"ids": UNKNOWN, "currency": "EUR"}, "currency"),
            ({"ids": UNKNOWN, "limit": 1}, "limit"),
            ({"ids": UNKNOWN, "cursor": "x"}, "cursor"),
            ({"ids": UNKNOWN, "min_version": 0}, "min_version"),
            ({"ids": UNKNOWN, "min_version": ""}, "min_version"),
            ({"owner": "me"}, "owner"),
            ({"account_id": UNKNOWN}, "account_id"),
            ({"Status": "open"}, "Status"),
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_refuses_other_queries(self, api: Api, query: dict[str, str | int], field: str) -> None:
        answer = api.get("/accounts", **query)
        assert (answer.status, answer.problem, answer.json()["field"]) == (400, "invalid-request", field)

    @pytest.mark.parametrize("name", ["ids", "status", "currency", "limit", "cursor"])
    def test_each_parameter_is_given_once(self, api: Api, name: str) -> None:
        answer = api.send(Call("GET", "/accounts", [(name, UNKNOWN), (name, UNKNOWN)]))
        assert (answer.status, answer.json()["field"]) == (400, name)


class TestTotals:
    def test_grow_by_what_was_done(self, api: Api) -> None:
        """No other test has this currency, but generated requests may open an account in any."""
        before = booked(api, "XPF")
        sender, receiver, third = (api.open(currency="XPF") for _ in range(3))
        api.post(f"/accounts/{sender}/credit", {"amount": 500})
        api.post(f"/accounts/{sender}/withdraw", {"amount": 30})
        api.post("/transfers", {"from_account_id": sender, "to_account_id": receiver, "amount": 100})
        api.post(f"/accounts/{third}/close")
        expected = {
            "events": 8,
            "active_accounts": 3,
            "opened": 3,
            "closed": 1,
            "credits": 1,
            "credited": 500,
            "withdrawals": 1,
            "withdrawn": 30,
            "transfers": 1,
            "transferred": 100,
            "net": 470,
        }
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            now = booked(api, "XPF")
            grown = {name: now.get(name, 0) - before.get(name, 0) for name in expected}
            if grown["events"] >= expected["events"] or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        others = grown["opened"] - expected["opened"]
        assert others >= 0
        for name in ("opened", "events", "active_accounts"):
            expected[name] += others
        assert grown == expected

    def test_a_day_has_its_date_and_all_figures(self, api: Api) -> None:
        account_id = api.open(balance=1, currency="UYW")
        read(api, account_id, min_version=2)
        days = days_around_today()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (answer := api.get("/totals", **days, currency="UYW")).json()["totals"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        document = answer.json()
        assert {name: document[name] for name in ("from", "to", "currency")} == days | {"currency": "UYW"}
        shown = [each["day"] for each in document["totals"]]
        assert shown == sorted(set(shown))
        assert set(shown) <= {days["from"], api.get(f"/accounts/{account_id}").json()["updated_at"][:10], days["to"]}
        for each in document["totals"]:
            texts = {name for name, value in each.items() if isinstance(value, str)}
            assert texts == {"day", "credited", "withdrawn", "transferred", "net"}

    def test_without_events_there_is_no_day(self, api: Api) -> None:
        for query in ({"from": "1999-01-01", "to": "1999-12-31", "currency": "EUR"},
                      {**days_around_today(), "currency": "ZZZ"}):  # fmt: skip
            assert api.get("/totals", **query).json() == {**query, "totals": []}

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({}, "from"),
            ({"to": "2026-03-31", "currency": "EUR"}, "from"),
            ({"from": "2026-03-01", "currency": "EUR"}, "to"),
            ({"from": "2026-03-01", "to": "2026-03-31"}, "currency"),
            ({"from": "2026-03-01", "to": "2026-03-31", "currency": "eur"}, "currency"),
            ({"from": "2026-03-01", "to": "2026-03-31", "currency": ""}, "currency"),
            ({"from": "2026-02-29", "to": "2026-03-31", "currency": "EUR"}, "from"),
            ({"from": "2026-03-01T00:00:00Z", "to": "2026-03-31", "currency": "EUR"}, "from"),
            ({"from": "", "to": "2026-03-31", "currency": "EUR"}, "from"),
            ({"from": "2026-03-01", "to": "2026-03-31T00:00:00Z", "currency": "EUR"}, "to"),
            ({"from": "2026-03-01", "to": "2026-02-28", "currency": "EUR"}, "to"),
            ({"from": "2026-03-01", "to": "2027-03-02", "currency": "EUR"}, "to"),
            ({"from": "2026-03-01", "to": "20260331", "currency": "EUR"}, "to"),
            ({"from": "2026-03-01", "to": "2026-03-31", "currency": "EUR", "limit": 1}, "limit"),
            ({"from": "2026-03-01", "to": "2026-03-31", "currency": "EUR", "status": "open"}, "status"),
        ],
        ids=lambda value: str(value)[:60],
    )
    def test_refuses_other_queries(self, api: Api, query: dict[str, str | int], field: str) -> None:
        answer = api.get("/totals", **query)
        assert (answer.status, answer.problem, answer.json()["field"]) == (400, "invalid-request", field)

    def test_a_year_with_its_leap_day(self, api: Api) -> None:
        assert api.get("/totals", **{"from": "2024-01-01", "to": "2024-12-31", "currency": "EUR"}).status == 200
        assert api.get("/totals", **{"from": "2026-03-01", "to": "2027-03-01", "currency": "EUR"}).status == 200
