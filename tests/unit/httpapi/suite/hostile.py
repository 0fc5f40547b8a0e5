"""Input that means harm, or nothing at all: always a 4xx problem, never a 5xx."""

from __future__ import annotations

import gzip

import pytest

from tests.unit.httpapi.suite.api import Api, Call, new_key
from tests.unit.httpapi.suite.commands import UNKNOWN

JSON = ("Content-Type", "application/json")
DEEP = 20_000
TWO_MEGABYTES = 2 * 1024 * 1024
LIMIT = 64 * 1024

BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "body"),
    "blank": (b"  ", "body"),
    "not json": (b"amount=1", "body"),
    "array": (b"[]", "body"),
    "number": (b"1", "body"),
    "null": (b"null", "body"),
    "string": (b'"amount"', "body"),
    "two documents": (b'{"amount":1}{"amount":1}', "body"),
    "cut short": (b'{"amount":1', "body"),
    "trailing comma": (b'{"amount":1,}', "body"),
    "comment": (b'{"amount":1/**/}', "body"),
    "single quotes": (b"{'amount':1}", "body"),
    "NaN": (b'{"amount":NaN}', "body"),
    "Infinity": (b'{"amount":-Infinity}', "body"),
    "leading zero": (b'{"amount":01}', "body"),
    "byte order mark": (b'\xef\xbb\xbf{"amount":1}', "body"),
    "utf-16": ('{"amount":1}'.encode("utf-16"), "body"),
    "1e400": (b'{"amount":1e400}', "amount"),
    "-1e400": (b'{"amount":-1e400}', "amount"),
    "exponent": (b'{"amount":1e2}', "amount"),
    "fraction": (b'{"amount":1.5}', "amount"),
    "no cents": (b'{"amount":1.0}', "amount"),
    "zero": (b'{"amount":0}', "amount"),
    "minus zero": (b'{"amount":-0}', "amount"),
    "negative": (b'{"amount":-1}', "amount"),
    "too large": (b'{"amount":1000000000000000}', "amount"),
    "2^64": (b'{"amount":18446744073709551616}', "amount"),
    "5000 digits": (b'{"amount":' + b"9" * 5000 + b"}", "amount"),
    "text": (b'{"amount":"1"}', "amount"),
    "true": (b'{"amount":true}', "amount"),
    "null amount": (b'{"amount":null}', "amount"),
    "object": (b'{"amount":{}}', "amount"),
    "missing": (b"{}", "amount"),
    "missing, other given": (b'{"reference":"x"}', "amount"),
    "duplicate key, bad one last": (b'{"amount":1,"amount":0}', "amount"),
    "duplicate key, bad one first": (b'{"amount":0,"amount":1}', "amount"),
    "unknown field": (b'{"amount":1,"currency":"EUR"}', "currency"),
    "prototype": (b'{"amount":1,"__proto__":{}}', "__proto__"),
    "other case": (b'{"Amount":1}', "Amount"),
    "reference of another type": (b'{"amount":1,"reference":7}', "reference"),
    "reference empty": (b'{"amount":1,"reference":""}', "reference"),
    "reference too long": (b'{"amount":1,"reference":"' + b"x" * 65 + b'"}', "reference"),
    "reference with a newline": (rb'{"amount":1,"reference":"x\n"}', "reference"),
    "reference with NUL": (rb'{"amount":1,"reference":"\u0000"}', "reference"),
    "reference not ascii": ('{"amount":1,"reference":"é"}'.encode(), "reference"),
    "reference a surrogate pair": (rb'{"amount":1,"reference":"\ud83d\ude00"}', "reference"),
    "half a surrogate pair": (rb'{"amount":1,"reference":"\ud83d"}', "body"),
    "another command": (b'{"type":"OpenAccount","amount":1}', "type"),
    "type of another type": (b'{"type":[],"amount":1}', "type"),
    "deep array": (b'{"amount":' + b"[" * DEEP + b"]" * DEEP + b"}", "amount"),
    "deep object": (b'{"amount":' + b'{"a":' * (DEEP // 2) + b"1" + b"}" * (DEEP // 2) + b"}", "amount"),
    "deep and unknown": (b'{"x":' + b"[" * DEEP + b"]" * DEEP + b"}", "x"),
    "deep at the top": (b"[" * DEEP, "body"),
    "a long field name": (b'{"' + b"x" * 5000 + b'":1}', "x" * 64),
}
BAD_UTF8 = {
    "in a value": b'{"amount":1,"reference":"\xff"}',
    "in a key": b'{"\xff":1}',
    "in the type": b'{"type":"\xff","amount":1}',
    "overlong": b'{"amount":1,"reference":"\xc0\xaf"}',
    "a surrogate": b'{"amount":1,"reference":"\xed\xa0\x80"}',
    "cut short": b'{"amount":1,"reference":"\xe2\x82"}',
    "latin-1": '{"amount":1,"reference":"é"}'.encode("latin-1"),
}
MEDIA_TYPES = [
    None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
    "application/jsonp", "application/json-patch+json", "application/problem+json", "json", "*/*",
    "application/json; charset=latin-1", "application/json; charset=utf-16", "application/json, text/plain",
    "application/json; profile=x; charset=latin-1", 'application/json; charset="latin-1"', "application/json; x",
]  # fmt: skip


def credit(api: Api, body: bytes, *headers: tuple[str, str]) -> Call:
    return Call("POST", f"/accounts/{api.open()}/credit", (), headers, body)


class TestBodies:
    @pytest.mark.parametrize("name", BODIES)
    def test_the_first_offending_field_is_named(self, api: Api, name: str) -> None:
        body, field = BODIES[name]
        answer = api.send(credit(api, body, JSON))
        assert (answer.status, answer.problem, answer.json()["field"]) == (400, "invalid-request", field)
        assert answer.json()["detail"].startswith(f"{field}: ")
        assert len(answer.json()["detail"]) < 500

    @pytest.mark.parametrize("name", BAD_UTF8)
    def test_bad_utf8(self, api: Api, name: str) -> None:
        answer = api.send(credit(api, BAD_UTF8[name], JSON))
        assert (answer.status, answer.problem) == (400, "invalid-request")
        assert answer.json()["field"]

    @pytest.mark.parametrize("name", sorted(BODIES.keys() - {"empty", "missing"}))
    def test_closing_takes_no_rubbish_either(self, api: Api, name: str) -> None:
        body = BODIES[name][0].replace(b'"amount":null', b'"amount":[null]')  # null is absent, and right
        answer = api.send(Call("POST", f"/accounts/{api.open()}/close", (), [JSON], body))
        assert (answer.status, answer.problem) == (400, "invalid-request")

    def test_of_duplicate_keys_the_last_wins(self, api: Api) -> None:
        assert api.send(credit(api, b'{"amount":3,"amount":7}', JSON)).json()["balance"] == 7

    @pytest.mark.parametrize("size", [LIMIT + 1, TWO_MEGABYTES])
    def test_too_large(self, api: Api, size: int) -> None:
        body = b'{"amount":1}'.ljust(size)
        for headers in ([JSON], [("Content-Type", "text/plain")], []):
            answer = api.send(credit(api, body, *headers))
            assert (answer.status, answer.problem) == (413, "payload-too-large")

    def test_the_largest(self, api: Api) -> None:
        assert api.send(credit(api, b'{"amount":1}'.ljust(LIMIT), JSON)).status == 200

    @pytest.mark.parametrize("media_type", MEDIA_TYPES)
    def test_other_media_types(self, api: Api, media_type: str | None) -> None:
        headers = [] if media_type is None else [("Content-Type", media_type)]
        answer = api.send(credit(api, b'{"amount":1}', *headers))
        assert (answer.status, answer.problem) == (415, "unsupported-media-type")

    @pytest.mark.parametrize(
        "media_type",
        [
            "application/json; charset=utf-8",
            'Application/JSON;charset="UTF-8"',
            "application/json;",
            "application/json ; charset=UTF8",
            "application/json; profile=x",
            'application/json; profile="https://example.com/a;b"; charset=utf-8',
        ],
    )
    def test_spellings_of_the_media_type(self, api: Api, media_type: str) -> None:
        assert api.send(credit(api, b'{"amount":1}', ("content-type", media_type))).status == 200

    @pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
    def test_compressed_bodies(self, api: Api, encoding: str) -> None:
        for body in (gzip.compress(b'{"amount":1}'), b'{"amount":1}'):
            answer = api.send(credit(api, body, JSON, ("Content-Encoding", encoding)))
            assert (answer.status, answer.problem) == (415, "unsupported-media-type")
            assert "Content-Encoding" in answer.json()["detail"]

    def test_no_encoding_has_a_name(self, api: Api) -> None:
        assert api.send(credit(api, b'{"amount":1}', JSON, ("Content-Encoding", "identity"))).status == 200

    @pytest.mark.parametrize("field", ["reference", "occurred_at"])
    def test_null_is_as_good_as_nothing(self, api: Api, field: str) -> None:
        account_id, key = api.open(), {"Idempotency-Key": new_key()}
        with_null = api.post(f"/accounts/{account_id}/credit", {"amount": 1, field: None}, key)
        without = api.post(f"/accounts/{account_id}/credit", {"amount": 1}, key)
        assert (with_null.status, without.status, api.version(account_id)) == (200, 200, 2)
        assert api.post("/accounts", {"currency": "EUR", "overdraft_limit": None}).json()["overdraft_limit"] == 0

    def test_null_in_a_field_of_another_command_is_absent(self, api: Api) -> None:
        assert api.post(f"/accounts/{api.open()}/close", {"reference": None}).status == 200

    def test_null_is_no_field_that_is_unknown(self, api: Api) -> None:
        for path, body in (("credit", {"amount": 1, "more": None}), ("close", {"more": None})):
            answer = api.post(f"/accounts/{api.open()}/{path}", body)
            assert (answer.status, "is not a field of" in answer.json()["detail"]) == (400, True)

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"", "is empty"),
            (b" \n\t", "white space"),
            (rb'{"amount":1,"reference":"\ud83d"}', "surrogate"),
            (rb'{"amount":1,"reference":"\ude00\ud83d"}', "surrogate"),
            (b"\xef\xbb\xbf{}", "byte order mark"),
            (b'{"amount":1,}', "is not JSON at byte 12"),
            (b'{"amount":1', "something is missing"),
            (b"[1]", "must be a JSON object"),
            (b'{"amount":"1"}', "must be an integer from 1 to 999999999999999"),
            (b"{}", "is missing: it must be an integer from 1"),
            (b'{"amount":1,"reference":"\xc3\xa9"}', "1 to 64 printable ASCII"),
            (b'{"amount":1,"type":"OpenAccount"}', 'must be "CreditAccount" or left out'),
            (b'{"amount":1,"x":1}', "which has type, occurred_at, amount and reference"),
        ],
        ids=lambda value: str(value)[:30],
    )
    def test_a_refusal_says_what_would_be_right(self, api: Api, body: bytes, said: str) -> None:
        assert said in api.send(credit(api, body, JSON)).json()["detail"]

    def test_transfers_name_the_field(self, api: Api) -> None:
        for body, field in (
            ({"from_account_id": "x", "to_account_id": UNKNOWN, "amount": 1}, "from_account_id"),
            ({"from_account_id": UNKNOWN, "to_account_id": f"{UNKNOWN}\n", "amount": 1}, "to_account_id"),
            ({"from_account_id": UNKNOWN, "to_account_id": UNKNOWN.upper().replace("0", "A"), "amount": 1},
             "to_account_id"),
            ({"from_account_id": UNKNOWN, "amount": 1}, "to_account_id"),
        ):  # fmt: skip
            answer = api.post("/transfers", body, {"Idempotency-Key": new_key()})
            assert (answer.status, answer.json()["field"]) == (400, field)

    def test_opening_names_the_field(self, api: Api) -> None:
        for body, field in (
            ({"currency": "eur"}, "currency"),
            ({"currency": "XXX"}, "currency"),
            ({"currency": ["EUR"]}, "currency"),
            ({"currency": "EUR", "overdraft_limit": -1}, "overdraft_limit"),
            ({"currency": "EUR", "overdraft_limit": 10**15}, "overdraft_limit"),
            ({"currency": "EUR", "account_id": UNKNOWN}, "account_id"),
            ({}, "currency"),
        ):
            answer = api.post("/accounts", body)
            assert (answer.status, answer.json()["field"]) == (400, field)


class TestPathsAndMethods:
    @pytest.mark.parametrize(
        "path",
        [
            "/", "/account", "/Accounts", "/accounts/", "/accounts//events", f"/accounts/{UNKNOWN}/", "/transfers/1",
            "/totals/", "/totals/EUR", "/Totals", "/accounts/../accounts", "/accounts/%2e%2e/totals",
            f"/accounts/{UNKNOWN}/debit", f"/accounts/{UNKNOWN}/events/1", "//accounts", "/accounts/a/b/c/d",
            "/.env", "/accounts%00", "/accounts%0a", "/%2e%2e/%2e%2e/etc/passwd", "/" + "x" * 3000,
        ],
        ids=lambda path: path[:40],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    def test_unknown_paths(self, api: Api, method: str, path: str) -> None:
        answer = api.send(Call(method, path, (), [JSON], b'{"currency":"EUR"}' if method == "POST" else None))
        assert (answer.status, answer.problem) == (404, "not-found")
        told = "no path ends with a slash" in answer.json().get("detail", "")
        assert told == (len(path) > 1 and path.endswith("/"))

    @pytest.mark.parametrize(
        "account_id", ["%F0%9F%98%80", "%22", "%5C", "%FF", "a%00b", "%E2%80%AE", "a%0a", f"{UNKNOWN}%0a"]
    )
    def test_strange_account_ids(self, api: Api, account_id: str) -> None:
        answer = api.get(f"/accounts/{account_id}")
        assert (answer.status, answer.json()["field"]) == (400, "account_id")

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW"])
    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("/accounts", "POST, GET"),
            ("/totals", "GET"),
            (f"/accounts/{UNKNOWN}", "GET"),
            (f"/accounts/{UNKNOWN}/credit", "POST"),
            (f"/accounts/{UNKNOWN}/withdraw", "POST"),
            (f"/accounts/{UNKNOWN}/close", "POST"),
            (f"/accounts/{UNKNOWN}/events", "GET"),
            (f"/accounts/{UNKNOWN}/commands", "POST"),
            (f"/accounts/{UNKNOWN}/commands/some-command", "GET"),
            ("/transfers", "POST"),
        ],
    )
    def test_other_methods(self, api: Api, method: str, path: str, allowed: str) -> None:
        if method in allowed.split(", "):
            return
        answer = api.send(Call(method, path))
        assert (answer.status, answer.headers["allow"]) == (405, allowed)
        assert answer.body == b"" if method == "HEAD" else answer.problem == "method-not-allowed"


class TestHeaders:
    def test_the_correlation_id_comes_back(self, api: Api) -> None:
        headers = {"X-Correlation-Id": "A-z0.9_:-"}
        assert api.get(f"/accounts/{api.open()}", headers).headers["x-correlation-id"] == "A-z0.9_:-"
        answer = api.get(f"/accounts/{UNKNOWN}", headers)
        assert answer.headers["x-correlation-id"] == answer.json()["correlation_id"] == "A-z0.9_:-"

    def test_without_one_every_answer_has_its_own(self, api: Api) -> None:
        assert api.get(f"/accounts/{UNKNOWN}").headers["x-correlation-id"]

    @pytest.mark.parametrize("value", ["", "x" * 65, "a b", "é", "<script>", "a;b", "a,b"], ids=repr)
    def test_other_correlation_ids_are_replaced_and_refuse_nothing(self, api: Api, value: str) -> None:
        answer = api.send(credit(api, b'{"amount":1}', JSON, ("X-Correlation-Id", value)))
        assert answer.status == 200
        assert answer.headers["x-correlation-id"] not in {value, ""}

    def test_of_two_different_correlation_ids_none_counts(self, api: Api) -> None:
        answer = api.send(credit(api, b'{"amount":1}', JSON, ("X-Correlation-Id", "one"), ("X-Correlation-Id", "two")))
        assert answer.status == 200
        assert answer.headers["x-correlation-id"] not in {"one", "two", ""}

    def test_two_different_keys_are_refused(self, api: Api) -> None:
        answer = api.send(credit(api, b'{"amount":1}', JSON, ("Idempotency-Key", "one"), ("Idempotency-Key", "two")))
        assert (answer.status, answer.json()["field"]) == (400, "Idempotency-Key")

    def test_entity_tags_may_stand_in_several_headers(self, api: Api) -> None:
        headers = [JSON, ("If-Match", '"9"'), ("If-Match", '"1"')]
        assert api.send(credit(api, b'{"amount":1}', *headers)).status == 200

    def test_query_parameters_are_refused_on_commands(self, api: Api) -> None:
        answer = api.send(Call("POST", "/accounts", [("dry_run", "1")], [JSON], b'{"currency":"EUR"}'))
        assert (answer.status, answer.json()["field"]) == (400, "dry_run")

    def test_repeated_query_parameters_are_refused(self, api: Api) -> None:
        answer = api.send(Call("GET", f"/accounts/{UNKNOWN}", [("version", "1"), ("version", "1")]))
        assert (answer.status, answer.json()["field"]) == (400, "version")
