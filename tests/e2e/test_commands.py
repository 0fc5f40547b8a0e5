"""Asynchronous commands on the deployed system: stored by the gateway, carried out from the stream, read over HTTP.

All goes over HTTP; the tables are looked at only for what no client can see.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from random import Random
from typing import Any, NamedTuple

import pytest

from local.emulator import aws
from local.machine.environment import Environment
from tests.e2e.inbox import Inbox, Stored
from tests.e2e.mixed_commands import End, Mix, Phase
from tests.e2e.waiting import eventually
from tests.unit.httpapi.suite.api import Call

SEED = 20260301
ACCOUNTS = 50
COMMANDS = 1_000
CLIENTS = 6
"""Accounts at work at one time: the emulator writes a file for each account's events before it answers anybody else."""
MAX_BODY_BYTES = 65_536

Sending = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def inbox(environment: Environment) -> Inbox:
    return Inbox(environment)


class Ended(NamedTuple):
    """A command that was sent, and what the API said at last."""

    stored: Stored
    body: dict[str, Any]
    end: dict[str, Any]


@pytest.mark.parametrize("seed", [SEED])
def test_a_thousand_commands_end_as_the_model_says(inbox: Inbox, seed: int) -> None:
    mix = Mix(Random(seed), ACCOUNTS)
    ended = [each for phase in mix.phases() for each in carry_out(inbox, phase)]

    assert len(ended) == COMMANDS
    expected = {each: (account.version, account.balance) for each, account in mix.model.accounts.items()}
    assert balances(inbox, mix.ids) == expected
    histories = {account_id: inbox.events(account_id) for account_id in mix.ids}
    caused = Counter((each, row["metadata"]["command_id"]) for each, rows in histories.items() for row in rows)
    assert caused == Counter(dict.fromkeys(expected_causes(ended), 1))
    folded = {each: fold(rows) for each, rows in histories.items()}
    for stored, _, end in ended:
        if end["status"] == "SUCCEEDED":
            place = end["version"] - 1
            assert histories[stored.account_id][place]["metadata"]["command_id"] == stored.effect
            assert folded[stored.account_id][place] == end["balance"]


def carry_out(inbox: Inbox, phase: Phase) -> list[Ended]:
    """Send a phase's commands, each account's from one thread, and follow them to the ends that they must have."""

    def send_and_follow(account_id: str) -> list[tuple[Stored, dict[str, Any]]]:
        """Once the last command has ended, all have: they are carried out in their order."""
        stored = [inbox.store(account_id, sent.body) for sent in phase[account_id]]
        last = inbox.end(stored[-1])
        return list(zip(stored, [*(inbox.state(each) for each in stored[:-1]), last], strict=True))

    with ThreadPoolExecutor(CLIENTS) as pool:
        followed = list(chain(*pool.map(send_and_follow, phase)))
    sent = [each for commands in phase.values() for each in commands]
    found = []
    for each, (stored, end) in zip(sent, followed, strict=True):
        assert summary(end, each.end) == each.end, (each.body, end)
        found.append(Ended(stored, each.body, end))
    return found


def summary(end: Mapping[str, Any], expected: End) -> End:
    """An end in the model's terms; what the model leaves open is left out."""
    defined = expected.version is not None
    problem = end["problem"]["type"].rpartition(":")[2] if "problem" in end else None
    return End(end["status"], problem, end.get("version") if defined else None, end.get("balance") if defined else None)


def balances(inbox: Inbox, account_ids: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Version and balance of each account, as the API tells them."""
    documents = {each: inbox.api.get(f"/accounts/{each}").json() for each in account_ids}
    return {each: (document["version"], document["balance"]) for each, document in documents.items()}


def expected_causes(ended: Iterable[Ended]) -> list[tuple[str, str]]:
    """Account and cause of each event there must be."""
    causes = []
    for stored, body, end in ended:
        if end["status"] == "SUCCEEDED":
            causes.append((stored.account_id, stored.effect))
            if body["type"] == "Transfer":
                causes.append((body["to_account_id"], stored.effect))
    return causes


def fold(rows: list[dict[str, Any]]) -> list[int]:
    """The balance after each event."""
    signs = {"BalanceCredited": 1, "TransferReceived": 1, "BalanceWithdrawn": -1, "TransferSent": -1}
    balance, found = 0, []
    for row in rows:
        balance += signs.get(row["type"], 0) * row["data"].get("amount", 0)
        found.append(balance)
    return found


class Case(NamedTuple):
    """A command to a new account, and its end: version and balance, or the code of a problem."""

    prepare: Callable[[Inbox], str]
    body: dict[str, Any]
    end: tuple[int, int] | str


def nobody(_: Inbox) -> str:
    return str(uuid.uuid4())


def opened(balance: int = 0) -> Callable[[Inbox], str]:
    return lambda inbox: inbox.api.open(balance=balance)


def closed(inbox: Inbox) -> str:
    account_id = inbox.api.open()
    assert inbox.api.post(f"/accounts/{account_id}/close", {}).status == 200
    return account_id


OPEN = {"type": "OpenAccount", "currency": "EUR", "overdraft_limit": 5}
CREDIT = {"type": "CreditAccount", "amount": 40, "reference": "invoice 4711"}
WITHDRAW = {"type": "WithdrawFromAccount", "amount": 40}
CLOSE = {"type": "CloseAccount"}
TRANSFER = {"type": "Transfer", "amount": 40}
NO_DAY = {"occurred_at": "2026-02-30T00:00:00Z"}
"""What the gateway, which has no calendar, lets through."""
CASES = {
    "OpenAccount-succeeds": Case(nobody, OPEN, (1, 0)),
    "OpenAccount-refused": Case(opened(), OPEN, "account-already-exists"),
    "OpenAccount-invalid": Case(nobody, OPEN | NO_DAY, "invalid-command"),
    "CreditAccount-succeeds": Case(opened(), CREDIT, (2, 40)),
    "CreditAccount-refused": Case(closed, CREDIT, "account-closed"),
    "CreditAccount-unknown": Case(nobody, CREDIT, "account-not-found"),
    "CreditAccount-invalid": Case(opened(), CREDIT | NO_DAY, "invalid-command"),
    "WithdrawFromAccount-succeeds": Case(opened(100), WITHDRAW, (3, 60)),
    "WithdrawFromAccount-refused": Case(opened(39), WITHDRAW, "insufficient-funds"),
    "WithdrawFromAccount-invalid": Case(opened(100), WITHDRAW | NO_DAY, "invalid-command"),
    "CloseAccount-succeeds": Case(opened(), CLOSE, (2, 0)),
    "CloseAccount-refused": Case(opened(1), CLOSE, "balance-not-zero"),
    "CloseAccount-invalid": Case(opened(), CLOSE | NO_DAY, "invalid-command"),
    "Transfer-succeeds": Case(opened(50), TRANSFER, (3, 10)),
    "Transfer-refused": Case(opened(39), TRANSFER, "insufficient-funds"),
    "Transfer-invalid": Case(opened(50), TRANSFER | {"from_account_id": str(uuid.UUID(int=0))}, "invalid-command"),
}
STATUS_OF = {"account-not-found": 404, "invalid-command": 400}


@pytest.mark.parametrize("name", CASES)
def test_each_command_and_outcome_is_told_once_and_for_ever(inbox: Inbox, name: str) -> None:
    prepare, body, expected = CASES[name]
    account_id = prepare(inbox)
    if body["type"] == "Transfer":
        body = {"from_account_id": account_id, "to_account_id": inbox.api.open(), **body}
    before = len(inbox.events(account_id))
    correlation = f"test-{uuid.uuid4()}"
    stored = inbox.store(account_id, body, headers={"X-Correlation-Id": correlation})
    end = inbox.end(stored)

    told = {"command_id": stored.command_id, "account_id": account_id}
    times = {name: end.pop(name) for name in ("submitted_at", "completed_at")}
    assert times["submitted_at"] <= times["completed_at"]
    if isinstance(expected, str):
        problem = end.pop("problem")
        assert end == told | {"status": "REJECTED"}
        assert problem["type"] == f"urn:daybook:problem:{expected}"
        assert (problem["status"], problem["correlation_id"]) == (STATUS_OF.get(expected, 422), correlation)
    else:
        assert end == told | {"status": "SUCCEEDED", "version": expected[0], "balance": expected[1]}
    new = inbox.events(account_id)[before:]
    assert [row["metadata"]["command_id"] for row in new] == [stored.effect] * (not isinstance(expected, str))
    assert {row["metadata"]["correlation_id"] for row in new} <= {correlation}

    check_repeats(inbox, stored, body)
    assert inbox.events(account_id)[before:] == new


def check_repeats(inbox: Inbox, stored: Stored, body: dict[str, Any]) -> None:
    """The key with the same bytes is answered alike, with others it is refused; the row stays as it is."""
    (row,) = [each for each in inbox.rows(stored.account_id) if each["command_id"]["S"] == stored.stored_id]
    again = inbox.store(stored.account_id, body, stored.command_id)
    assert again.answer.json() == stored.answer.json() | {"status": row["status"]["S"]}
    assert again.path == stored.path
    other = json.dumps(body).encode() + b" "
    refused = inbox.send(stored.account_id, other, stored.command_id)
    assert (refused.status, refused.problem) == (422, "idempotency-key-reused")
    assert row in inbox.rows(stored.account_id)


def test_a_command_under_its_key_is_stored_once_however_often_and_wherever_it_is_sent(inbox: Inbox) -> None:
    account_id, key = inbox.api.open(), f"test:{uuid.uuid4()}"
    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = list(pool.map(lambda _: inbox.store(account_id, CREDIT, key), range(CLIENTS)))
    assert inbox.end(sent[0])["version"] == 2
    assert len(inbox.events(account_id)) == 2
    assert len(inbox.rows(account_id)) == 1


def test_its_event_is_published_with_the_command_as_its_cause(inbox: Inbox) -> None:
    account_id = str(uuid.uuid4())
    opening, credit = (
        inbox.store(account_id, OPEN),
        inbox.store(account_id, CREDIT, headers={"X-Correlation-Id": "o-17"}),
    )
    inbox.end(credit)

    def published() -> list[dict[str, Any]]:
        found = [each for each in domain_events(inbox) if each["subject"] == account_id]
        return found if len(found) > 1 else []

    first, second = eventually(published, "the account's domain events")
    assert [each["type"] for each in (first, second)] == [
        "daybook.account.AccountCreated.v1",
        "daybook.account.BalanceCredited.v1",
    ]
    assert [each["causationid"] for each in (first, second)] == [opening.effect, credit.effect]
    assert second["correlationid"] == "o-17"


def domain_events(inbox: Inbox) -> list[dict[str, Any]]:
    """Everything in the stream of domain events."""
    kinesis, name = aws.client(inbox.environment, "kinesis"), inbox.environment.domain_event_stream
    found = []
    for shard in kinesis.list_shards(StreamName=name)["Shards"]:
        place = kinesis.get_shard_iterator(StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")[
            "ShardIterator"
        ]
        while place:
            page = kinesis.get_records(ShardIterator=place, Limit=10_000)
            found += [json.loads(line) for record in page["Records"] for line in record["Data"].splitlines()]
            place = page.get("NextShardIterator") if page["Records"] else None
    return found


@pytest.mark.parametrize("path", [str(uuid.UUID(int=1)), "anonymous%252F1", "%00", "x" * 65])
def test_an_unknown_command_is_not_found(inbox: Inbox, path: str) -> None:
    answer = inbox.api.get(f"/accounts/{inbox.api.open()}/commands/{path}")
    assert (answer.status, answer.problem) == (404, "command-not-found")


JSON = {"Content-Type": "application/json"}
REFUSED: dict[str, tuple[bytes, dict[str, str], tuple[int, str]]] = {
    "not JSON": (b"{", {}, (400, "malformed-request")),
    "no object": (b"[]", {}, (400, "malformed-request")),
    "unknown field": (b'{"type":"CreditAccount","amount":1,"note":"of Jane Doe"}', {}, (400, "malformed-request")),
    "no type": (b'{"amount":1}', {}, (400, "invalid-request")),
    "unknown type": (b'{"type":"CreditAccounts","amount":1}', {}, (400, "invalid-request")),
    "type of another kind": (b'{"type":["CreditAccount"],"amount":1}', {}, (400, "invalid-request")),
    "amount missing": (b'{"type":"CreditAccount"}', {}, (400, "invalid-request")),
    "amount below one": (b'{"type":"CreditAccount","amount":0}', {}, (400, "invalid-request")),
    "another command's field": (b'{"type":"CloseAccount","amount":1}', {}, (400, "invalid-request")),
    "bad key": (b'{"type":"CloseAccount"}', {"Idempotency-Key": "a b"}, (400, "invalid-request")),
    "dots as key": (b'{"type":"CloseAccount"}', {"Idempotency-Key": ".."}, (400, "invalid-request")),
    "caller in the key": (b'{"type":"CloseAccount"}', {"Idempotency-Key": "anonymous/1"}, (400, "invalid-request")),
    "If-Match": (b'{"type":"CloseAccount"}', {"If-Match": '"1"'}, (400, "invalid-request")),
    "too large": (b'{"type":"CloseAccount"}'.ljust(MAX_BODY_BYTES + 1), {}, (413, "payload-too-large")),
    "latin": (
        b'{"type":"CloseAccount"}',
        {"Content-Type": "application/json; charset=latin-1"},
        (415, "unsupported-media-type"),
    ),
    "compressed": (b'{"type":"CloseAccount"}', {"Content-Encoding": "gzip"}, (415, "unsupported-media-type")),
    "text": (b'{"type":"CloseAccount"}', {"Content-Type": "text/plain"}, (415, "unsupported-media-type")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_right_is_refused_and_not_stored(inbox: Inbox, name: str) -> None:
    body, headers, expected = REFUSED[name]
    account_id = inbox.api.open()
    answer = inbox.send(account_id, body, headers=headers)
    assert (answer.status, answer.problem) == expected
    assert inbox.rows(account_id) == []
    assert len(inbox.events(account_id)) == 1


def test_an_account_that_cannot_be_is_refused(inbox: Inbox) -> None:
    account_id = inbox.api.open().upper()
    answer = inbox.send(account_id, CREDIT)
    assert (answer.status, answer.problem) == (400, "invalid-request")
    assert inbox.rows(account_id) == []


def test_the_largest_body_is_stored_and_carried_out(inbox: Inbox) -> None:
    stored = inbox.store(inbox.api.open(), json.dumps(CREDIT).encode().ljust(MAX_BODY_BYTES))
    assert inbox.end(stored)["balance"] == 40


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "commands", "POST"),
        ("PUT", "commands", "POST"),
        ("DELETE", "commands", "POST"),
        ("POST", "commands/a", "GET"),
        ("DELETE", "commands/a", "GET"),
    ],
)
def test_other_methods_are_not_allowed(inbox: Inbox, method: str, path: str, allowed: str) -> None:
    answer = inbox.api.send(Call(method, f"/accounts/{inbox.api.open()}/{path}", (), list(JSON.items()), b"{}"))
    assert (answer.status, answer.problem) == (405, "method-not-allowed")
    assert answer.headers["allow"] == allowed
