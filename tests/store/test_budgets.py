"""Every budget of round trips and capacity, counted, with the largest rows and answers there can be."""

from __future__ import annotations

from functools import partial

import msgspec
import pytest

from lambdas.accounts.commands import AccountCommand, CloseAccount, OpenAccount
from lambdas.accounts.errors import RuleBrokenError
from lambdas.accounts.money import MAX_AMOUNT
from lambdas.eventsourcing.decider import Committed, Replayed
from lambdas.eventsourcing.dynamodb_items import receipt_to_item, row_to_item
from lambdas.eventsourcing.errors import PreconditionFailedError
from lambdas.eventsourcing.rows import Receipt
from lambdas.service.account_service import AccountService
from tests.support import worst_case
from tests.support.backends import DynamoDBBackend, NewId
from tests.support.budgets import Bench, costs
from tests.support.clocks import TickingClock
from tests.support.metering import MeteredClient, Usage, item_bytes
from tests.support.worst_case import CONTEXT, CREDIT, KEY, TRANSFER_ID, WITHDRAWAL, at_the_end_of

LENGTHS = [1, *range(10, 31), 1_000, 1_000_000, 1_000_001, 1_000_009]
"""Of histories: around the first snapshots, and at the end of long ones."""

OPENING = OpenAccount(currency="EUR", overdraft_limit=MAX_AMOUNT)


@pytest.fixture
def bench(dynamodb: DynamoDBBackend) -> Bench:
    return Bench(dynamodb, MeteredClient(dynamodb.client), TickingClock())


@pytest.mark.parametrize("length", LENGTHS)
def test_rows_fit_one_write_unit_and_ten_of_them_two_read_units(new_id: NewId, length: int) -> None:
    sizes = [item_bytes(row_to_item(row)) for row in at_the_end_of(length, new_id(), TickingClock())]

    assert max(sizes) <= 1024
    assert all(sum(sizes[start : start + 10]) <= 8192 for start in range(len(sizes)))


@pytest.mark.parametrize("kind", [*RuleBrokenError.__subclasses__(), PreconditionFailedError])
def test_receipt_of_a_rejection_fits_one_write_unit(kind: type[Exception], new_id: NewId) -> None:
    account_id = new_id()
    error = kind(account_id, 10**6) if kind is PreconditionFailedError else kind("the longest explanation " * 5)
    key = worst_case.idempotency(account_id)
    receipt = Receipt(account_id, key.key, key.request_hash, "c" * 22, 10**6, key.reject(error) or "", 2_000_000_001)

    assert item_bytes(receipt_to_item(receipt)) <= 1024


@pytest.mark.parametrize("length", LENGTHS)
def test_balance_is_one_query(bench: Bench, new_id: NewId, length: int) -> None:
    account_id = bench.history(new_id(), length)

    usage = bench.usage(lambda: bench.cold().account(account_id))

    costs(usage, ["Query"], read_units=2)
    assert usage.items_read <= 10
    assert bench.cold().account(account_id).version == length


@pytest.mark.parametrize("length", [10, 11, 19, 20, 1_000_000])
def test_balance_at_a_version_is_one_query(bench: Bench, new_id: NewId, length: int) -> None:
    account_id = bench.history(new_id(), length)

    for version in range(max(1, length - 9), length + 1):
        usage = bench.usage(partial(bench.cold().account_at_version, account_id, version))
        costs(usage, ["Query"], read_units=2)
        assert usage.items_read <= 10


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("command", [CREDIT, WITHDRAWAL], ids=["credit", "withdrawal"])
def test_warm_command_is_one_round_trip(bench: Bench, new_id: NewId, length: int, command: AccountCommand) -> None:
    account_id = bench.history(new_id(), length)
    bank = bench.warm(account_id)

    costs(bench.usage(lambda: bank.execute(command, account_id, CONTEXT)), ["PutItem"], write_units=1)


@pytest.mark.parametrize("length", LENGTHS)
def test_cold_command_is_two_round_trips(bench: Bench, new_id: NewId, length: int) -> None:
    account_id = bench.history(new_id(), length)

    usage = bench.usage(lambda: bench.cold().execute(CREDIT, account_id, CONTEXT))

    costs(usage, ["Query", "PutItem"], write_units=1, read_units=2)


def test_opening_is_one_round_trip(bench: Bench, new_id: NewId) -> None:
    costs(bench.usage(lambda: bench.cold().execute(OPENING, new_id(), CONTEXT)), ["PutItem"], write_units=1)


def test_closing_is_as_cheap_as_any_command(bench: Bench, new_id: NewId) -> None:
    account_id, bank = new_id(), bench.cold()
    bank.execute(OPENING, account_id, CONTEXT)

    costs(bench.usage(lambda: bank.execute(CloseAccount(), account_id, CONTEXT)), ["PutItem"], write_units=1)


@pytest.mark.parametrize("length", [1, 10, 11, 20, 1_000_000])
def test_key_costs_no_round_trip(bench: Bench, new_id: NewId, length: int) -> None:
    """Warm and cold, opening too: the row and its receipt are one transaction of 4 write units."""
    account_id = bench.history(new_id(), length)
    key, other_key = worst_case.idempotency(account_id), worst_case.idempotency(new_id())
    bank = bench.warm(account_id)

    warm = bench.usage(lambda: bank.execute(CREDIT, account_id, CONTEXT, idempotency=key))
    cold = bench.usage(lambda: bench.cold().execute(CREDIT, account_id, CONTEXT, idempotency=other_key))

    costs(warm, ["TransactWriteItems"], write_units=4)
    costs(cold, ["Query", "TransactWriteItems"], write_units=4, read_units=2)


def test_opening_under_a_key_is_one_round_trip(bench: Bench, new_id: NewId) -> None:
    account_id = new_id()
    key = worst_case.idempotency(account_id)

    usage = bench.usage(lambda: bench.cold().execute(OPENING, account_id, CONTEXT, idempotency=key))

    costs(usage, ["TransactWriteItems"], write_units=4)


@pytest.mark.parametrize("lives", [True, False], ids=["receipt lives", "receipt is gone"])
def test_opening_again_under_a_key(bench: Bench, new_id: NewId, *, lives: bool) -> None:
    """By the receipt in one round trip; without it two Queries more: the account's newest state, its first event."""
    account_id = new_id()
    first, again = (
        msgspec.structs.replace(worst_case.idempotency(account_id), key=key, reject=lambda _: None)
        for key in (KEY, KEY if lives else "another")
    )
    bench.cold().open_once(OPENING, account_id, CONTEXT, idempotency=first)

    usage = bench.usage(lambda: bench.cold().open_once(OPENING, account_id, CONTEXT, idempotency=again))

    queries = [] if lives else ["Query", "Query"]
    costs(usage, ["TransactWriteItems", *queries], write_units=4, read_units=len(queries))


@pytest.mark.parametrize("length", [2, 10, 11, 20, 30, 1_000_000])
@pytest.mark.parametrize(("keyed", "write_units"), [(False, 4), (True, 6)])
def test_transfer_is_one_transaction(bench: Bench, new_id: NewId, length: int, keyed: bool, write_units: int) -> None:
    """A cold one reads each account once."""
    source, target = bench.history(new_id(), length), bench.history(new_id(), length + 1)

    def usage(bank: AccountService) -> Usage:
        key = worst_case.idempotency(new_id()) if keyed else None
        command = worst_case.transfer(source, target)
        return bench.usage(lambda: bank.transfer(command, TRANSFER_ID, CONTEXT, idempotency=key))

    costs(usage(bench.warm(source, target)), ["TransactWriteItems"], write_units=write_units)
    cold = usage(bench.cold())
    costs(cold, ["Query", "Query", "TransactWriteItems"], write_units=write_units, read_units=4)


@pytest.mark.parametrize("length", [1, 9, 10, 19, 1_000_000])
def test_lost_race_costs_one_round_trip(bench: Bench, new_id: NewId, length: int) -> None:
    """Plain, it is one write unit more; under a key, or for a transfer, the transaction once more."""
    account_id, other_id = bench.history(new_id(), length), bench.history(new_id(), 30)
    key = worst_case.idempotency(account_id)
    plain, keyed, transferring = (bench.warm(account_id, other_id) for _ in range(3))

    def rival() -> None:
        bench.warm(account_id).execute(CREDIT, account_id, CONTEXT)

    rival()
    costs(bench.usage(lambda: plain.execute(WITHDRAWAL, account_id, CONTEXT)), ["PutItem", "PutItem"], write_units=2)
    keyed.account(account_id)
    rival()
    costs(
        bench.usage(lambda: keyed.execute(WITHDRAWAL, account_id, CONTEXT, idempotency=key)),
        ["TransactWriteItems"] * 2,
        write_units=8,
    )
    transferring.account(account_id)
    rival()
    command = worst_case.transfer(account_id, other_id)
    costs(
        bench.usage(lambda: transferring.transfer(command, TRANSFER_ID, CONTEXT)),
        ["TransactWriteItems"] * 2,
        write_units=8,
    )


def test_race_lost_twice_adds_one_query_of_the_tail(bench: Bench, new_id: NewId) -> None:
    account_id = bench.history(new_id(), 30)
    bank = bench.warm(account_id)
    for _ in range(2):
        bench.warm(account_id).execute(CREDIT, account_id, CONTEXT)

    usage = bench.usage(lambda: bank.execute(WITHDRAWAL, account_id, CONTEXT))

    costs(usage, ["PutItem", "PutItem", "Query", "PutItem"], write_units=3, read_units=1)


@pytest.mark.parametrize("length", [2, 10, 11, 20, 1_000_000])
def test_rejection_is_one_query(bench: Bench, new_id: NewId, length: int) -> None:
    """Warm, cold, and for an account that does not exist: nothing is written without a key."""
    account_id = bench.history(new_id(), length)
    warm = bench.warm(account_id)

    for bank, target in ((warm, account_id), (bench.cold(), account_id), (bench.cold(), new_id())):
        usage = bench.usage(partial(bank.execute, CloseAccount(), target, CONTEXT))
        costs(usage, ["Query"], read_units=2)


def test_failed_precondition_is_one_query(bench: Bench, new_id: NewId) -> None:
    account_id = bench.history(new_id(), 20)

    for bank in (bench.warm(account_id), bench.cold()):
        usage = bench.usage(partial(bank.execute, CREDIT, account_id, CONTEXT, expected=frozenset({7})))
        costs(usage, ["Query"], read_units=2)


def test_rejection_under_a_key_adds_its_receipt(bench: Bench, new_id: NewId) -> None:
    account_id = bench.history(new_id(), 20)
    key = worst_case.idempotency(account_id)

    for bank in (bench.warm(account_id), bench.cold()):
        usage = bench.usage(partial(bank.execute, CloseAccount(), account_id, CONTEXT, idempotency=key))
        costs(usage, ["Query", "PutItem"], write_units=1, read_units=2)


def test_replay_is_one_transaction(bench: Bench, new_id: NewId) -> None:
    account_id = bench.history(new_id(), 20)
    key = worst_case.idempotency(account_id)
    bank = bench.warm(account_id)
    first = bank.execute(CREDIT, account_id, CONTEXT, idempotency=key)
    answers: list[object] = []

    usage = bench.usage(lambda: answers.append(bank.execute(CREDIT, account_id, CONTEXT, idempotency=key)))

    assert isinstance(first, Committed)
    assert isinstance(answers[0], Replayed)
    costs(usage, ["TransactWriteItems"], write_units=4)


def test_page_of_history_is_one_query(bench: Bench, new_id: NewId) -> None:
    account_id = bench.history(new_id(), 40)

    usage = bench.usage(lambda: bench.cold().history(account_id, before=None, limit=10))

    costs(usage, ["Query"], read_units=2)
    assert usage.items_read == 10
