"""The routes that change accounts."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

import pytest

from tests.unit.httpapi.suite.api import Api

UNKNOWN = "00000000-0000-4000-8000-000000000000"
LARGEST = 10**15 - 1


def moment(**ahead: float) -> str:
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


class TestOpenAccount:
    def test_answers_the_account(self, api: Api) -> None:
        answer = api.post("/accounts", {"currency": "EUR", "overdraft_limit": 5000})
        assert answer.status == 201
        account = answer.json()
        assert account | {"account_id": "", "updated_at": ""} == {
            "account_id": "",
            "status": "open",
            "currency": "EUR",
            "balance": 0,
            "overdraft_limit": 5000,
            "version": 1,
            "updated_at": "",
        }
        assert answer.headers["etag"] == '"1"'
        assert uuid.UUID(account["account_id"]).version == 4

    def test_location_leads_to_the_account(self, api: Api) -> None:
        answer = api.post("/accounts", {"currency": "EUR"})
        location = urljoin(f"{api.url}/accounts", answer.headers["location"])
        assert location.startswith(f"{api.url}/")
        assert api.get(location.removeprefix(api.url)).json() == answer.json()

    def test_has_no_overdraft_by_default(self, api: Api) -> None:
        assert api.post("/accounts", {"currency": "JPY"}).json()["overdraft_limit"] == 0

    def test_takes_the_type_of_the_command(self, api: Api) -> None:
        assert api.post("/accounts", {"type": "OpenAccount", "currency": "EUR"}).status == 201

    def test_every_account_is_another(self, api: Api) -> None:
        assert api.open() != api.open()

    def test_refuses_if_match(self, api: Api) -> None:
        answer = api.post("/accounts", {"currency": "EUR"}, {"If-Match": "*"})
        assert (answer.status, answer.json()["field"]) == (400, "If-Match")


class TestCreditAndWithdraw:
    def test_answer_the_account(self, api: Api) -> None:
        account_id = api.open()
        credited = api.post(f"/accounts/{account_id}/credit", {"amount": 100, "reference": "salary"})
        assert (credited.status, credited.json()["balance"], credited.headers["etag"]) == (200, 100, '"2"')
        withdrawn = api.post(f"/accounts/{account_id}/withdraw", {"amount": 40})
        assert (withdrawn.status, withdrawn.json()["balance"], withdrawn.headers["etag"]) == (200, 60, '"3"')
        assert withdrawn.json()["updated_at"] >= credited.json()["updated_at"]

    def test_withdraw_down_to_the_overdraft_limit(self, api: Api) -> None:
        account_id = api.open(overdraft_limit=10)
        assert api.post(f"/accounts/{account_id}/withdraw", {"amount": 10}).json()["balance"] == -10
        assert api.post(f"/accounts/{account_id}/withdraw", {"amount": 1}).problem == "insufficient-funds"

    def test_insufficient_funds_change_nothing(self, api: Api) -> None:
        account_id = api.open(balance=10)
        answer = api.post(f"/accounts/{account_id}/withdraw", {"amount": 11})
        assert (answer.status, answer.problem) == (422, "insufficient-funds")
        assert api.version(account_id) == 2

    def test_balance_limit(self, api: Api) -> None:
        account_id = api.open()
        for _ in range(9):
            assert api.post(f"/accounts/{account_id}/credit", {"amount": LARGEST}).status == 200
        assert api.post(f"/accounts/{account_id}/credit", {"amount": 9}).json()["balance"] == 9 * 10**15
        answer = api.post(f"/accounts/{account_id}/credit", {"amount": 1})
        assert (answer.status, answer.problem) == (422, "balance-limit-exceeded")

    @pytest.mark.parametrize("route", ["credit", "withdraw", "close"])
    def test_unknown_account(self, api: Api, route: str) -> None:
        answer = api.post(f"/accounts/{UNKNOWN}/{route}", {} if route == "close" else {"amount": 1})
        assert (answer.status, answer.problem) == (404, "account-not-found")

    @pytest.mark.parametrize("account_id", ["1", UNKNOWN.upper().replace("0", "A"), f"{UNKNOWN}0", "%20", "..."])
    def test_an_account_id_is_a_uuid_in_lower_case(self, api: Api, account_id: str) -> None:
        answer = api.post(f"/accounts/{account_id}/credit", {"amount": 1})
        assert (answer.status, answer.json()["field"]) == (400, "account_id")

    def test_an_account_id_may_be_percent_encoded(self, api: Api) -> None:
        account_id = api.open()
        encoded = f"%{ord(account_id[0]):02x}{account_id[1:]}"
        assert api.get(f"/accounts/{encoded}").json()["account_id"] == account_id


class TestCloseAccount:
    def test_closes_without_a_body(self, api: Api) -> None:
        account_id = api.open()
        answer = api.post(f"/accounts/{account_id}/close")
        assert (answer.status, answer.json()["status"], answer.headers["etag"]) == (200, "closed", '"2"')

    def test_closes_with_a_body(self, api: Api) -> None:
        answer = api.post(f"/accounts/{api.open()}/close", {"occurred_at": "2026-01-31T23:59:59+01:00"})
        assert answer.json()["status"] == "closed"

    def test_needs_a_zero_balance(self, api: Api) -> None:
        answer = api.post(f"/accounts/{api.open(balance=1)}/close", {})
        assert (answer.status, answer.problem) == (422, "balance-not-zero")

    def test_a_closed_account_accepts_nothing_but_can_be_read(self, api: Api) -> None:
        account_id = api.open()
        api.post(f"/accounts/{account_id}/close")
        for route, body in (("credit", {"amount": 1}), ("withdraw", {"amount": 1}), ("close", {})):
            answer = api.post(f"/accounts/{account_id}/{route}", body)
            assert (answer.status, answer.problem) == (422, "account-closed")
        assert api.get(f"/accounts/{account_id}").json()["status"] == "closed"


class TestTransfer:
    def test_answers_both_accounts(self, api: Api) -> None:
        sender, receiver = api.open(balance=100), api.open()
        body = {"from_account_id": sender, "to_account_id": receiver, "amount": 30, "reference": "rent"}
        answer = api.post("/transfers", body)
        assert answer.status == 201
        result = answer.json()
        assert (result["from"]["balance"], result["to"]["balance"]) == (70, 30)
        assert (result["from"]["version"], result["to"]["version"]) == (3, 2)
        sent = api.get(f"/accounts/{sender}/events", limit=1).json()["events"][0]
        received = api.get(f"/accounts/{receiver}/events", limit=1).json()["events"][0]
        common = {"transfer_id": result["transfer_id"], "amount": 30, "currency": "EUR", "reference": "rent"}
        assert (sent["type"], sent["data"]) == ("TransferSent", common | {"to_account_id": receiver})
        assert (received["type"], received["data"]) == ("TransferReceived", common | {"from_account_id": sender})

    def test_changes_both_or_none(self, api: Api) -> None:
        sender, receiver = api.open(balance=10), api.open()
        body = {"from_account_id": sender, "to_account_id": receiver, "amount": 11}
        assert api.post("/transfers", body).problem == "insufficient-funds"
        assert (api.balance(sender), api.balance(receiver)) == (10, 0)

    def test_needs_two_accounts_that_exist(self, api: Api) -> None:
        account_id = api.open(balance=10)
        for sender, receiver in ((account_id, UNKNOWN), (UNKNOWN, account_id)):
            answer = api.post("/transfers", {"from_account_id": sender, "to_account_id": receiver, "amount": 1})
            assert (answer.status, answer.problem) == (404, "account-not-found")

    def test_needs_two_different_accounts(self, api: Api) -> None:
        account_id = api.open(balance=10)
        answer = api.post("/transfers", {"from_account_id": account_id, "to_account_id": account_id, "amount": 1})
        assert (answer.status, answer.problem) == (422, "same-account")

    def test_needs_one_currency(self, api: Api) -> None:
        body = {"from_account_id": api.open(balance=10), "to_account_id": api.open(currency="USD"), "amount": 1}
        answer = api.post("/transfers", body)
        assert (answer.status, answer.problem) == (422, "currency-mismatch")

    def test_refuses_if_match(self, api: Api) -> None:
        body = {"from_account_id": api.open(balance=10), "to_account_id": api.open(), "amount": 1}
        answer = api.post("/transfers", body, {"If-Match": '"2"'})
        assert (answer.status, answer.json()["field"]) == (400, "If-Match")


class TestOccurredAt:
    def test_is_kept_in_utc(self, api: Api) -> None:
        account_id = api.open()
        body = {"amount": 1, "occurred_at": "2026-01-31T23:30:00.5-05:00"}
        assert api.post(f"/accounts/{account_id}/credit", body).status == 200
        event = api.get(f"/accounts/{account_id}/events").json()["events"][0]
        assert event["occurred_at"] == "2026-02-01T04:30:00.500Z"
        assert event["recorded_at"] > event["occurred_at"]

    def test_is_cut_to_milliseconds_never_rounded(self, api: Api) -> None:
        account_id = api.open()
        body = {"amount": 1, "occurred_at": "2026-01-31T23:59:59.9999999Z"}
        assert api.post(f"/accounts/{account_id}/credit", body).status == 200
        event = api.get(f"/accounts/{account_id}/events").json()["events"][0]
        assert event["occurred_at"] == "2026-01-31T23:59:59.999Z"

    def test_may_be_minutes_ahead(self, api: Api) -> None:
        body = {"amount": 1, "occurred_at": moment(minutes=4)}
        assert api.post(f"/accounts/{api.open()}/credit", body).status == 200

    @pytest.mark.parametrize(
        "occurred_at",
        [
            pytest.param(moment(minutes=60), id="in an hour"),
            "9999-12-31T23:59:59-12:00",
            "9999-12-31T23:59:59.9999999Z",
            "0001-01-01T00:00:00+14:00",
            "2026-01-31T23:30:00",
            "2026-02-30T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "2026-01-31T23:30:00+0100",
            "yesterday",
            "",
            1767225600,
        ],
        ids=str,
    )
    @pytest.mark.parametrize("keyed", [False, True], ids=["plain", "keyed"])
    def test_refuses_the_future_and_what_is_no_moment(self, api: Api, occurred_at: object, keyed: bool) -> None:
        headers = {"Idempotency-Key": "occurred-at"} if keyed else {}
        answer = api.post("/accounts", {"currency": "EUR", "occurred_at": occurred_at}, headers)
        assert (answer.status, answer.problem, answer.json()["field"]) == (400, "invalid-request", "occurred_at")
