"""Lists and totals of the deployed system, beside what was done to it; the suite of the API has each route itself."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from local.machine.environment import Environment
from tests.e2e.waiting import eventually
from tests.unit.httpapi.suite.api import Api
from tests.unit.httpapi.suite.listings import booked, listed, read
from tests.unit.httpapi.suite.over_http import HttpApi

CURRENCY = "GNF"
"""Of this file's accounts alone."""
ACCOUNTS, CREDITS = 8, 5


@pytest.fixture
def api(environment: Environment) -> Api:
    return HttpApi(url=environment.api_url, common_headers=environment.headers)


def test_totals_and_list_are_what_was_done_by_several_clients_at_once(api: Api) -> None:
    before = booked(api, CURRENCY)
    accounts = [api.open(currency=CURRENCY) for _ in range(ACCOUNTS)]

    def work(number: int) -> None:
        account = accounts[number]
        for amount in range(1, CREDITS + 1):
            assert api.post(f"/accounts/{account}/credit", {"amount": amount * (number + 1)}).status == 200
        body = {"from_account_id": account, "to_account_id": accounts[number - 1], "amount": 1}
        assert api.post("/transfers", body).status == 201

    with ThreadPoolExecutor(4) as clients:
        list(clients.map(work, range(ACCOUNTS)))

    versions = {account: api.version(account) for account in accounts}
    assert sum(versions.values()) == ACCOUNTS * (1 + CREDITS + 2)
    for account, version in versions.items():
        (shown,) = read(api, account, min_version=version).json()["accounts"]
        assert (shown["version"], shown["events"], shown["balance"]) == (version, version, api.balance(account))
    assert sorted(set(listed(api, currency=CURRENCY, limit=3)) & set(accounts)) == sorted(accounts)
    credited = sum(amount * (number + 1) for amount in range(1, CREDITS + 1) for number in range(ACCOUNTS))
    expected = {"opened": ACCOUNTS, "credits": ACCOUNTS * CREDITS, "credited": credited, "transfers": ACCOUNTS,
                "transferred": ACCOUNTS, "net": credited, "events": sum(versions.values())}  # fmt: skip

    def grown() -> dict[str, int]:
        now = booked(api, CURRENCY)
        return {name: now.get(name, 0) - before.get(name, 0) for name in expected}

    eventually(lambda: grown()["events"] >= expected["events"], "the totals")
    assert grown() == expected


def test_a_stored_command_is_seen_in_the_list(api: Api) -> None:
    account = api.open(currency=CURRENCY)
    accepted = api.post(f"/accounts/{account}/commands", {"type": "CreditAccount", "amount": 7}).json()

    def ended() -> Any:
        status = api.get(f"/accounts/{account}/commands/{accepted['command_id']}").json()
        return status if status["status"] != "PENDING" else None

    version = eventually(ended, "the command to end")["version"]
    (shown,) = read(api, account, min_version=version).json()["accounts"]
    assert (shown["version"], shown["balance"]) == (version, 7)


def test_both_say_how_far_they_are_behind(api: Api) -> None:
    """Once it was measured, which the deployed system does every minute."""
    days = {"from": "2026-01-01", "to": "2026-01-31", "currency": "EUR"}
    for path, query in (("/accounts", {"limit": "1"}), ("/accounts", {"ids": str(uuid4())}), ("/totals", days)):

        def lag(path: str = path, query: dict[str, str] = query) -> str:
            return api.get(path, **query).headers.get("daybook-lag", "")

        assert re.fullmatch(r"\d+;\d+", eventually(lag, "a measurement of the lag"))
