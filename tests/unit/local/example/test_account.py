"""The worked example notices every number that is not what it should be."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast

import pytest

from local.example import account as example
from local.example import ledger
from local.example.client import Answer, Client
from local.machine.environment import Environment
from local.machine.errors import ExampleFailedError

ENVIRONMENT = Environment(**{each.name: "" for each in fields(Environment) if each.name != "headers"})  # type: ignore[arg-type]


class FakeApi:
    """An accounts API with one account. `fee` is what it wrongly keeps of each credit."""

    def __init__(self, *, fee: int = 0) -> None:
        self.events: list[dict[str, Any]] = []
        self._fee = fee
        self.refusal = example.REFUSED

    def post(self, path: str, body: Mapping[str, object], *, expected: int) -> Answer:
        if path == "/accounts":
            return self._append("AccountCreated", {"currency": body["currency"]}, expected)
        assert path.startswith("/accounts/1/")
        if path.endswith("/credit"):
            return self._append("BalanceCredited", {"amount": cast("int", body["amount"]) - self._fee}, expected)
        if cast("int", body["amount"]) > self.balance(len(self.events)):
            return Answer(422, {}, {"type": self.refusal, "status": 422})
        return self._append("BalanceWithdrawn", {"amount": body["amount"]}, expected)

    def get(self, path: str) -> Answer:
        if "?" not in path:
            return self._account(200)
        if "?version=" in path:
            return self._account(200, int(path.partition("=")[2]))
        query = dict(part.split("=") for part in path.split("?")[1].split("&"))
        below = [event for event in reversed(self.events) if event["version"] < int(query.get("cursor", "99"))]
        page = below[: int(query["limit"])]
        more = len(below) > len(page)
        return Answer(200, {}, {"events": page, "next_cursor": str(page[-1]["version"]) if more else None})

    def _append(self, event_type: str, data: dict[str, Any], status: int) -> Answer:
        version = len(self.events) + 1
        self.events.append({"version": version, "type": event_type, "recorded_at": f"T{version}", "data": data})
        return self._account(status)

    def balance(self, version: int) -> int:
        return sum(example._signed(event["type"], event["data"]) for event in self.events[:version])

    def _account(self, status: int, version: int | None = None) -> Answer:
        version = version or len(self.events)
        balance = self.balance(version)
        return Answer(status, {"etag": f'"{version}"'}, {"account_id": "1", "version": version, "balance": balance})


def play(api: FakeApi) -> list[example.Entry]:
    client = cast("Client", api)
    account_id = example.open_and_fill(client)
    example.tell_story(client, account_id)
    example.read_balance(client, account_id)
    return example.read_history(client, account_id)


def rows(events: list[dict[str, Any]], *, snapshot_balance: int = 60, snapshot_version: int = 21) -> ledger.Read:
    newest = [
        ledger.Row(
            version=event["version"],
            type=event["type"],
            data=event["data"],
            snapshot={"balance": snapshot_balance} if event["version"] == snapshot_version else None,
        )
        for event in reversed(events[-10:])
    ]
    return ledger.Read(rows=newest, bytes=4097, reported_units=1.0)


def test_the_story_has_the_numbers_of_the_contract() -> None:
    history = play(FakeApi())
    assert [(entry.version, entry.balance) for entry in history[20:]] == [(21, 60), (22, 50), (23, 40), (24, 50)]
    assert [entry.amount for entry in history[21:]] == [-10, -10, 10]
    assert min(entry.balance for entry in history) == 0


def test_the_account_as_it_was_and_a_refusal_which_leaves_no_event() -> None:
    api = FakeApi()
    play(api)
    client = cast("Client", api)
    assert example.read_earlier(client, "1").body["balance"] == 40
    assert example.be_refused(client, "1").status == 422
    assert len(api.events) == example.LAST_VERSION


def test_another_past_or_another_refusal_than_the_story_tells_is_named() -> None:
    api = FakeApi()
    play(api)
    api.events[22]["data"]["amount"] = 11
    with pytest.raises(ExampleFailedError, match="The balance at version 23 is 39, and it must be 40"):
        example.read_earlier(cast("Client", api), "1")
    api.refusal = "urn:daybook:problem:account-closed"
    with pytest.raises(ExampleFailedError, match="The problem's type is urn:daybook:problem:account-closed"):
        example.be_refused(cast("Client", api), "1")


def test_a_wrong_balance_is_named() -> None:
    with pytest.raises(ExampleFailedError, match="The balance at version 2 is 9, and it must be 10"):
        play(FakeApi(fee=1))


def test_a_history_with_a_hole_is_noticed() -> None:
    api = FakeApi()
    play(api)
    del api.events[5]
    with pytest.raises(ExampleFailedError, match="The versions in the history"):
        example.read_history(cast("Client", api), "1")


def test_the_balance_is_rebuilt_from_a_snapshot_and_three_events(monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeApi()
    play(api)
    monkeypatch.setattr(ledger, "read_newest", lambda *_, **__: rows(api.events))
    read = example.rebuild(ENVIRONMENT, "1")
    assert [row.version for row in read.tail] == [22, 23, 24]
    assert read.read_units == 2


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"snapshot_balance": 61}, "The balance in that snapshot is 61, and it must be 60."),
        ({"snapshot_version": 20}, "The version of the newest snapshot is 20, and it must be 21."),
        ({"snapshot_version": 1}, "None of the newest 10 rows carries a snapshot."),
    ],
)
def test_a_wrong_snapshot_is_named(wrong: dict[str, int], sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeApi()
    play(api)
    monkeypatch.setattr(ledger, "read_newest", lambda *_, **__: rows(api.events, **wrong))
    with pytest.raises(ExampleFailedError, match=sentence):
        example.rebuild(ENVIRONMENT, "1")


def test_an_item_has_the_size_that_aws_publishes() -> None:
    # Names and strings by their UTF-8 bytes, two significant digits a byte plus one, binary as it is.
    assert ledger.item_bytes({"id": {"S": "aé"}}) == 2 + 3
    assert ledger.item_bytes({"v": {"N": "7"}}) == 1 + 2
    assert ledger.item_bytes({"v": {"N": "1234"}}) == 1 + 3
    assert ledger.item_bytes({"v": {"N": "1200"}}) == 1 + 2
    assert ledger.item_bytes({"h": {"B": b"12345678"}}) == 1 + 8
    with pytest.raises(ExampleFailedError, match="unexpected kind"):
        ledger.item_bytes({"x": {"BOOL": True}})
