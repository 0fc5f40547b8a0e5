"""Accounts that transfers of a batch join are one queue: its commands take effect in the order stored."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest

from lambdas.accounts.errors import InvalidFieldError
from lambdas.inbox import table
from lambdas.inbox.batches import read_batch
from lambdas.inbox.deliveries import Content, Delivery, read_delivery
from lambdas.inbox.queues import queues_of
from tests.support.commands import MALFORMED, Desk, Record, always, command_item, command_record, new_processor
from tests.support.event_rows import account_id

A, B, C, D = (account_id(number) for number in range(1, 5))
OPEN = {"type": "OpenAccount", "currency": "EUR"}


def credit(amount: int) -> dict[str, Any]:
    return {"type": "CreditAccount", "amount": amount}


def withdraw(amount: int) -> dict[str, Any]:
    return {"type": "WithdrawFromAccount", "amount": amount}


def transfer(sender: str, receiver: str, amount: int = 1) -> dict[str, Any]:
    return {"type": "Transfer", "from_account_id": sender, "to_account_id": receiver, "amount": amount}


def delivered(*commands: tuple[str, Any]) -> list[Delivery]:
    return [
        read_delivery(command_record(command_item(account, f"c{n}", body), n))
        for n, (account, body) in enumerate(commands)
    ]


def test_transfers_join_accounts_and_what_joins_them_further() -> None:
    deliveries = delivered(
        (A, credit(1)), (B, credit(2)), (C, credit(3)), (D, credit(4)),
        (C, transfer(C, B)), (A, transfer(A, B)), (D, credit(5)),
    )  # fmt: skip
    joined, alone = queues_of(deliveries)
    assert joined == [deliveries[n] for n in (0, 1, 2, 4, 5)]
    assert alone == [deliveries[n] for n in (3, 6)]


@pytest.mark.parametrize(
    "body",
    [
        transfer(B, A),
        transfer(A, B) | {"amount": 0},
        transfer(A, "nobody"),
        b'{"type":"Transfer"',
        transfer(A, A),
    ],
)
def test_what_is_no_transfer_joins_nothing(body: Any) -> None:
    assert len(queues_of(delivered((A, body), (B, credit(1))))) == 2


def test_any_transfers_at_all_divide_a_batch_into_what_they_connect() -> None:
    """Held against the transitive closure, worked out by hand."""
    for seed in range(300):
        rng = random.Random(seed)
        accounts = [account_id(number) for number in range(8)]
        commands: list[tuple[str, Any]] = []
        for _ in range(rng.randint(1, 25)):
            account = rng.choice(accounts)
            commands.append((account, transfer(account, rng.choice(accounts)) if rng.random() < 0.2 else credit(1)))
        deliveries = delivered(*commands)
        reach = {account: {account} for account in accounts}
        for each, _, _ in itertools.product(deliveries, accounts, accounts):
            together = set().union(*(reach[account] for account in each.accounts))
            for account in together:
                reach[account] |= together
        queues = queues_of(deliveries)
        for queue in queues:
            assert queue == [each for each in deliveries if each.key.account_id in reach[queue[0].key.account_id]]
        assert sum(map(len, queues)) == len(deliveries)


@pytest.mark.parametrize("turned", [False, True])
def test_what_a_client_stored_in_order_takes_effect_in_order(turned: bool) -> None:
    """Each command was stored before the next; the last would be refused before the transfer."""
    first, second = (B, A) if turned else (A, B)
    desk = Desk()
    records = [
        desk.record(second, OPEN),
        desk.record(first, OPEN),
        desk.record(first, credit(10)),
        desk.record(first, transfer(first, second, 7)),
        desk.record(second, withdraw(7)),
    ]
    random.Random(1).shuffle(records)  # a batch's own order says nothing: its sequence numbers do
    processed = new_processor(desk.store, workers=10).process(records, always)
    assert (processed.succeeded, processed.rejected, processed.left) == (5, 0, 0)
    assert (desk.balance(first), desk.balance(second)) == (3, 0)


class Sick(Desk):
    """A desk on which some commands cannot be read, so that they fail for a technical reason."""

    def sick(self, account: str) -> Record:
        """A record without an actor."""
        record = self.record(account, credit(1))
        del record["dynamodb"]["NewImage"][table.ACTOR]
        return record


def test_a_failure_stops_the_accounts_that_its_command_touches_and_no_other_of_the_queue() -> None:
    desk = Sick()
    for account in (A, B, C, D):
        desk.run(account, OPEN)
    records = [
        desk.record(A, credit(10)),
        desk.sick(A),
        desk.record(B, credit(20)),  # of the same queue, and not touched yet
        desk.record(A, credit(1)),  # waits
        desk.record(C, transfer(C, D, 1)),  # refused, and joins both
        desk.record(A, transfer(A, B, 5)),  # waits, and from here on B does, too
        desk.record(B, credit(1)),
        desk.record(B, transfer(B, C, 5)),  # and C
        desk.record(C, credit(1)),
        desk.record(D, credit(30)),
    ]
    processed = desk.process(*records)
    ended = [desk.completion(record) is not None for record in records]
    assert ended == [True, False, True, False, True, False, False, False, False, True]
    assert (processed.succeeded, processed.rejected, processed.left) == (3, 1, 6)
    assert [failure.command_id for failure in processed.failures] == ["c6"]
    assert [desk.balance(account) for account in (A, B, C, D)] == [10, 20, 0, 30]


@pytest.mark.parametrize("malformed", MALFORMED, ids=json.dumps)
def test_a_malformed_record_is_left_and_hides_none_beside_it(malformed: Any) -> None:
    records = [command_record(command_item(account_id(n), "c", b"{"), n) for n in (1, 2)]
    batch = read_batch([records[0], malformed, records[1]])
    assert [len(queue) for queue in batch.queues] == [1, 1]
    assert (batch.others.left, batch.others.failures[0].account_id) == (1, "")


def test_of_two_records_of_one_command_the_first_counts() -> None:
    """The other would find its row ended; it is counted as what it is."""
    desk = Desk()
    desk.run(A, OPEN)
    first, other = command_item(A, "c", credit(1)), command_item(A, "c", credit(2))
    processed = desk.process(command_record(first, 5), command_record(other, 7), command_record(first, 6))
    assert (processed.succeeded, processed.repeated, len(processed.differing), processed.left) == (1, 1, 1, 0)
    assert desk.balance(A) == 1


def test_a_delivery_says_what_is_wrong_with_its_body() -> None:
    (delivery,) = delivered((A, b"{"))
    assert isinstance(delivery.content, Content)
    assert isinstance(delivery.content.instruction, InvalidFieldError)
    assert delivery.accounts == (A,)
