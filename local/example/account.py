"""The worked example: 60 - 10 - 10 + 10 = 50, rebuilt from a snapshot and three events by one query.

Amounts are minor units: 60 is 0.60 euro. The snapshot rides on versions 1, 11 and 21 (one in ten rows), so the account
is at version 21 with a balance of 60 when the example begins.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from local.example import ledger
from local.example.client import Answer, Client
from local.machine.environment import Environment
from local.machine.errors import ExampleFailedError

CURRENCY = "EUR"
SNAPSHOT_INTERVAL = 10
BEFORE = (10, -4) * 10
"""From version 2 to 21: each pair leaves 6 more, ten pairs leave 60."""

STORY = (-10, -10, 10)
"""Versions 22, 23 and 24."""

BALANCE_BEFORE = 60
BALANCE_AFTER = 50
SNAPSHOT_VERSION = 1 + len(BEFORE)
LAST_VERSION = SNAPSHOT_VERSION + len(STORY)
EARLIER_VERSION, EARLIER_BALANCE = 23, 40
"""An earlier version, at which the balance differed from the last one."""

TOO_MUCH = 1_000
REFUSED = "urn:daybook:problem:insufficient-funds"
_HISTORY_PAGE = 10
_SIGNS = {"AccountCreated": 0, "BalanceCredited": 1, "BalanceWithdrawn": -1}


@dataclass(frozen=True)
class Entry:
    """One line of the history, oldest first. `amount` is signed."""

    version: int
    type: str
    amount: int
    balance: int
    recorded_at: str


def open_and_fill(client: Client) -> str:
    """Open an account and bring it to version 21 with a balance of 60. Returns the account's id."""
    opened = client.post("/accounts", {"currency": CURRENCY}, expected=201)
    account_id = str(opened.body.get("account_id"))
    _check(opened, version=1, balance=0)
    for version, (amount, balance) in enumerate(zip(BEFORE, accumulate(BEFORE), strict=True), start=2):
        _check(move(client, account_id, amount), version=version, balance=balance)
    return account_id


def tell_story(client: Client, account_id: str) -> list[Answer]:
    """Withdraw 10, withdraw 10, credit 10."""
    answers = []
    for step, amount in enumerate(STORY, start=1):
        answer = move(client, account_id, amount)
        _check(answer, version=SNAPSHOT_VERSION + step, balance=BALANCE_BEFORE + sum(STORY[:step]))
        answers.append(answer)
    return answers


def move(client: Client, account_id: str, amount: int) -> Answer:
    """Credit a positive amount, or withdraw a negative one."""
    action = "credit" if amount > 0 else "withdraw"
    return client.post(f"/accounts/{account_id}/{action}", {"amount": abs(amount)}, expected=200)


def read_balance(client: Client, account_id: str) -> Answer:
    """Read the account by the API."""
    answer = client.get(f"/accounts/{account_id}")
    _check(answer, version=LAST_VERSION, balance=BALANCE_AFTER)
    return answer


def read_earlier(client: Client, account_id: str) -> Answer:
    """Read the account as it was at an earlier version."""
    answer = client.get(f"/accounts/{account_id}?version={EARLIER_VERSION}")
    _equal("The version in the answer", answer.body.get("version"), EARLIER_VERSION)
    _equal(f"The balance at version {EARLIER_VERSION}", answer.body.get("balance"), EARLIER_BALANCE)
    return answer


def be_refused(client: Client, account_id: str) -> Answer:
    """Withdraw more than the balance, which changes nothing. Returns the API's answer, a problem."""
    answer = client.post(f"/accounts/{account_id}/withdraw", {"amount": TOO_MUCH}, expected=422)
    _equal("The problem's type", answer.body.get("type"), REFUSED)
    return answer


def rebuild(environment: Environment, account_id: str) -> ledger.Read:
    """Run the query with which the API reads a balance, and fold its rows by hand."""
    read = ledger.read_newest(environment, account_id, limit=SNAPSHOT_INTERVAL)
    snapshot = read.snapshot
    if snapshot is None or snapshot.snapshot is None:
        raise ExampleFailedError(f"None of the newest {len(read.rows)} rows carries a snapshot.")
    _equal("The version of the newest snapshot", snapshot.version, SNAPSHOT_VERSION)
    _equal("The balance in that snapshot", snapshot.snapshot.get("balance"), BALANCE_BEFORE)
    _equal("The number of events after it", len(read.tail), len(STORY))
    folded = BALANCE_BEFORE + sum(_signed(row.type, row.data) for row in read.tail)
    _equal("The balance rebuilt from the snapshot and those events", folded, BALANCE_AFTER)
    return read


def read_history(client: Client, account_id: str) -> list[Entry]:
    """All events, page by page, oldest first."""
    events: list[dict[str, Any]] = []
    query = f"limit={_HISTORY_PAGE}"
    while query:
        page = client.get(f"/accounts/{account_id}/events?{query}").body
        events.extend(page.get("events", []))
        cursor = page.get("next_cursor")
        query = f"limit={_HISTORY_PAGE}&cursor={cursor}" if cursor else ""
    events.reverse()
    amounts = [_signed(event["type"], event["data"]) for event in events]
    entries = [
        Entry(event["version"], event["type"], amount, balance, event["recorded_at"])
        for event, amount, balance in zip(events, amounts, accumulate(amounts), strict=True)
    ]
    _equal("The versions in the history", [entry.version for entry in entries], list(range(1, LAST_VERSION + 1)))
    _equal("The sum of the history", entries[-1].balance, BALANCE_AFTER)
    return entries


def _signed(event_type: str, data: dict[str, Any]) -> int:
    if event_type not in _SIGNS:
        raise ExampleFailedError(f"The history has an event that the example does not know: {event_type}.")
    return _SIGNS[event_type] * int(data.get("amount", 0))


def _check(answer: Answer, *, version: int, balance: int) -> None:
    _equal("The version in the answer", answer.body.get("version"), version)
    _equal(f"The balance at version {version}", answer.body.get("balance"), balance)
    _equal(f"The ETag at version {version}", answer.headers.get("etag"), f'"{version}"')


def _equal(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ExampleFailedError(f"{what} is {found}, and it must be {expected}.")
