"""If-Match and Idempotency-Key."""

from __future__ import annotations

import uuid

import pytest

from tests.unit.httpapi.suite.api import Answer, Api, Call, new_key
from tests.unit.httpapi.suite.commands import UNKNOWN

STALE = ['"1"', 'W/"2"', '"02"', '""', '"two"', '"1", "3"', 'W/"2", "1"', '"99999999999999999999"']
MALFORMED = ["2", '"2', "'2'", '"2" "2"', "*, *", ",", "", 'w/"2"', '"2"; "3"', '"2",*']


class TestIfMatch:
    @pytest.mark.parametrize("header", ['"2"', "*", '"1", "2"', 'W/"2","2"', ' "2" ', '"2",', ', ,"2"'])
    def test_goes_on_at_the_version(self, api: Api, header: str) -> None:
        account_id = api.open(balance=10)
        assert api.post(f"/accounts/{account_id}/credit", {"amount": 1}, {"If-Match": header}).status == 200

    @pytest.mark.parametrize("header", STALE)
    def test_refuses_another_version(self, api: Api, header: str) -> None:
        account_id = api.open(balance=10)
        for route, body in (("credit", {"amount": 1}), ("withdraw", {"amount": 99}), ("close", {})):
            answer = api.post(f"/accounts/{account_id}/{route}", body, {"If-Match": header})
            assert (answer.status, answer.problem) == (412, "precondition-failed")
        assert api.version(account_id) == 2

    @pytest.mark.parametrize("header", MALFORMED)
    def test_refuses_what_is_no_tag(self, api: Api, header: str) -> None:
        answer = api.post(f"/accounts/{api.open(balance=10)}/credit", {"amount": 1}, {"If-Match": header})
        assert (answer.status, answer.json()["field"]) == (400, "If-Match")
        assert 'such as "2"' in answer.json()["detail"]

    def test_of_an_unknown_account(self, api: Api) -> None:
        for header in ("*", '"1"', 'W/"1"'):
            assert api.post(f"/accounts/{UNKNOWN}/credit", {"amount": 1}, {"If-Match": header}).status == 404

    def test_on_reading(self, api: Api) -> None:
        account_id = api.open()
        assert api.get(f"/accounts/{account_id}", {"If-Match": '"1"'}).status == 200
        assert api.get(f"/accounts/{account_id}", {"If-Match": '"2"'}).status == 412
        assert api.get(f"/accounts/{account_id}", {"If-Match": "1"}).status == 400


def same_answer(first: Answer, second: Answer) -> bool:
    return (first.status, first.body, first.headers.get("etag")) == (
        second.status,
        second.body,
        second.headers.get("etag"),
    )


class TestIdempotencyKey:
    def test_the_second_time_changes_nothing(self, api: Api) -> None:
        account_id, key = api.open(balance=10), new_key()
        first = api.post(f"/accounts/{account_id}/withdraw", {"amount": 10}, {"Idempotency-Key": key})
        second = api.post(f"/accounts/{account_id}/withdraw", {"amount": 10}, {"Idempotency-Key": key})
        assert first.status == 200
        assert "idempotent-replayed" not in first.headers
        assert same_answer(first, second)
        assert second.headers["idempotent-replayed"] == "true"
        assert second.headers["content-type"] == "application/json"
        assert api.version(account_id) == 3

    def test_the_answer_stays_when_the_account_moves_on(self, api: Api) -> None:
        account_id, key = api.open(balance=10), new_key()
        first = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, {"Idempotency-Key": key})
        api.post(f"/accounts/{account_id}/withdraw", {"amount": 11})
        api.post(f"/accounts/{account_id}/close")
        assert same_answer(first, api.post(f"/accounts/{account_id}/credit", {"amount": 1}, {"Idempotency-Key": key}))

    def test_spelling_does_not_make_another_request(self, api: Api) -> None:
        account_id, key = api.open(), new_key()
        headers = [("Content-Type", "application/json"), ("Idempotency-Key", key), ("If-Match", '"1", "7"')]
        spellings = [
            b'{"amount":5,"occurred_at":"2026-01-01T10:00:00Z"}',
            b'{ "type": "CreditAccount", "occurred_at" : "2026-01-01T12:00:00.000+02:00", "amount":5 }',
            b'{"amount":4,"amount":5,"occurred_at":"2026-01-01T10:00:00.0Z"}',
        ]
        answers = [api.send(Call("POST", f"/accounts/{account_id}/credit", (), headers, each)) for each in spellings]
        headers[-1] = ("if-match", '"1","7"')
        answers.append(api.send(Call("POST", f"/accounts/{account_id}/credit", (), headers, spellings[0])))
        assert [answer.status for answer in answers] == [200] * 4
        assert api.version(account_id) == 2

    @pytest.mark.parametrize(
        ("route", "body", "if_match"),
        [
            ("withdraw", {"amount": 2}, None),
            ("credit", {"amount": 1}, None),
            ("withdraw", {"amount": 1, "reference": "x"}, None),
            ("withdraw", {"amount": 1, "occurred_at": "2026-01-01T00:00:00Z"}, None),
            ("withdraw", {"amount": 1}, '"2"'),
        ],
        ids=["amount", "path", "reference", "occurred_at", "If-Match"],
    )
    def test_belongs_to_one_request(self, api: Api, route: str, body: object, if_match: str | None) -> None:
        account_id, key = api.open(balance=10), new_key()
        api.post(f"/accounts/{account_id}/withdraw", {"amount": 1}, {"Idempotency-Key": key})
        headers = {"Idempotency-Key": key} | ({} if if_match is None else {"If-Match": if_match})
        answer = api.post(f"/accounts/{account_id}/{route}", body, headers)
        assert (answer.status, answer.problem) == (422, "idempotency-key-reused")
        assert "idempotent-replayed" not in answer.headers
        assert api.version(account_id) == 3

    def test_belongs_to_one_account(self, api: Api) -> None:
        key = new_key()
        for account_id in (api.open(), api.open()):
            answer = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, {"Idempotency-Key": key})
            assert (answer.status, "idempotent-replayed" in answer.headers) == (200, False)

    def test_rejections_are_remembered(self, api: Api) -> None:
        account_id, key = api.open(balance=10), new_key()
        first = api.post(f"/accounts/{account_id}/withdraw", {"amount": 11}, {"Idempotency-Key": key})
        api.post(f"/accounts/{account_id}/credit", {"amount": 10})
        second = api.post(f"/accounts/{account_id}/withdraw", {"amount": 11}, {"Idempotency-Key": key})
        assert first.problem == second.problem == "insufficient-funds"
        assert {**first.json(), "correlation_id": second.json()["correlation_id"]} == second.json()
        assert second.headers["idempotent-replayed"] == "true"
        assert api.balance(account_id) == 20

    def test_a_problem_that_is_told_again_names_the_request_that_asked(self, api: Api) -> None:
        account_id, key = api.open(), new_key()
        for correlation_id in ("first", "second"):
            headers = {"Idempotency-Key": key, "X-Correlation-Id": correlation_id}
            answer = api.post(f"/accounts/{account_id}/withdraw", {"amount": 1}, headers)
            assert answer.json()["correlation_id"] == answer.headers["x-correlation-id"] == correlation_id
        assert answer.headers["idempotent-replayed"] == "true"

    def test_failed_preconditions_are_remembered(self, api: Api) -> None:
        account_id, headers = api.open(), {"Idempotency-Key": new_key(), "If-Match": '"2"'}
        first = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, headers)
        api.post(f"/accounts/{account_id}/credit", {"amount": 1})
        second = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, headers)
        assert first.problem == second.problem == "precondition-failed"
        assert second.headers["idempotent-replayed"] == "true"

    def test_a_success_under_if_match_is_remembered(self, api: Api) -> None:
        account_id, headers = api.open(), {"Idempotency-Key": new_key(), "If-Match": '"1"'}
        first = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, headers)
        assert same_answer(first, api.post(f"/accounts/{account_id}/credit", {"amount": 1}, headers))

    def test_unknown_accounts_and_bad_requests_are_not_remembered(self, api: Api) -> None:
        key = new_key()
        opened = api.post("/accounts", {"currency": "???"}, {"Idempotency-Key": key})
        assert opened.status == 400
        account_id = api.post("/accounts", {"currency": "EUR"}, {"Idempotency-Key": key}).json()["account_id"]
        missing = {"from_account_id": account_id, "to_account_id": str(uuid.uuid4()), "amount": 1}
        assert api.post("/transfers", missing, {"Idempotency-Key": "t"}).status == 404
        again = api.post("/transfers", missing | {"amount": 2}, {"Idempotency-Key": "t"})
        assert (again.status, "idempotent-replayed" in again.headers) == (404, False)

    def test_opens_one_account(self, api: Api) -> None:
        key = new_key()
        first = api.post("/accounts", {"currency": "EUR"}, {"Idempotency-Key": key})
        second = api.post("/accounts", {"currency": "EUR", "overdraft_limit": 0}, {"Idempotency-Key": key})
        assert (first.status, second.status) == (201, 201)
        assert same_answer(first, second)
        assert first.headers["location"] == second.headers["location"]
        assert second.headers["idempotent-replayed"] == "true"
        assert uuid.UUID(first.json()["account_id"]).version == 8
        other = api.post("/accounts", {"currency": "USD"}, {"Idempotency-Key": key})
        assert (other.status, other.problem) == (422, "idempotency-key-reused")

    def test_transfers_once(self, api: Api) -> None:
        sender, receiver, key = api.open(balance=10), api.open(), new_key()
        body = {"from_account_id": sender, "to_account_id": receiver, "amount": 10}
        first = api.post("/transfers", body, {"Idempotency-Key": key})
        second = api.post("/transfers", body, {"Idempotency-Key": key})
        assert (first.status, second.status) == (201, 201)
        assert same_answer(first, second)
        assert (api.balance(sender), api.balance(receiver)) == (0, 10)

    def test_a_transfer_to_itself_is_remembered(self, api: Api) -> None:
        account_id, key = api.open(balance=10), new_key()
        body = {"from_account_id": account_id, "to_account_id": account_id, "amount": 1}
        first = api.post("/transfers", body, {"Idempotency-Key": key})
        second = api.post("/transfers", body, {"Idempotency-Key": key})
        assert first.problem == second.problem == "same-account"
        assert second.headers["idempotent-replayed"] == "true"

    @pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é", '"k', '"a"b"', '"a\\k"', '""'], ids=repr)
    def test_refuses_other_keys(self, api: Api, key: str) -> None:
        answer = api.post(f"/accounts/{api.open()}/credit", {"amount": 1}, {"Idempotency-Key": key})
        assert (answer.status, answer.json()["field"]) == (400, "Idempotency-Key")
        assert '"order-17"' in answer.json()["detail"]

    @pytest.mark.parametrize("key", ["x" * 64, "x" * 65, "x" * 255, "a/b#c,d;e=f", "{k}", "k'\"\\"], ids=repr)
    def test_takes_any_visible_characters(self, api: Api, key: str) -> None:
        account_id, quoted = api.open(), '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
        bare = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, {"Idempotency-Key": key})
        again = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, {"Idempotency-Key": quoted})
        other = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, {"Idempotency-Key": key[:-1] + "~"})
        assert (bare.status, again.status, other.status) == (200, 200, 200)
        assert same_answer(bare, again)
        assert (again.headers["idempotent-replayed"], "idempotent-replayed" in other.headers) == ("true", False)
