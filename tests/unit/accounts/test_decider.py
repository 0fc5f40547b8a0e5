"""Every command to one account, in every state."""

from __future__ import annotations

from typing import get_args

import pytest

from lambdas.accounts.commands import (
    AccountCommand,
    CloseAccount,
    CreditAccount,
    OpenAccount,
    WithdrawFromAccount,
)
from lambdas.accounts.errors import (
    AccountAlreadyExistsError,
    AccountClosedError,
    AccountNotFoundError,
    BalanceLimitExceededError,
    BalanceNotZeroError,
    InsufficientFundsError,
)
from lambdas.accounts.events import (
    AccountClosed,
    AccountCreated,
    AccountEvent,
    BalanceCredited,
    BalanceWithdrawn,
)
from lambdas.accounts.money import MAX_AMOUNT, MAX_BALANCE
from tests.unit.accounts.spec import given

CREATED = AccountCreated(currency="EUR", overdraft_limit=0)
CREATED_WITH_LIMIT = AccountCreated(currency="EUR", overdraft_limit=50)
CLOSED = AccountClosed(currency="EUR")


def credited(amount: int) -> BalanceCredited:
    return BalanceCredited(amount=amount, currency="EUR")


def withdrawn(amount: int) -> BalanceWithdrawn:
    return BalanceWithdrawn(amount=amount, currency="EUR")


NOT_OPENED: tuple[AccountEvent, ...] = ()
ZERO = (CREATED,)
ZERO_WITH_LIMIT = (CREATED_WITH_LIMIT,)
POSITIVE = (CREATED, credited(100))
OVERDRAWN = (CREATED_WITH_LIMIT, withdrawn(30))
AT_LIMIT = (CREATED_WITH_LIMIT, withdrawn(50))
FULL: tuple[AccountEvent, ...] = (CREATED, *[credited(MAX_AMOUNT)] * 9, credited(9))
CLOSED_ACCOUNT = (CREATED, credited(5), withdrawn(5), CLOSED)

OPEN_STATES: dict[str, tuple[AccountEvent, ...]] = {
    "zero": ZERO,
    "zero with limit": ZERO_WITH_LIMIT,
    "positive": POSITIVE,
    "overdrawn": OVERDRAWN,
    "at limit": AT_LIMIT,
    "full": FULL,
}


def test_the_full_account_is_at_the_largest_balance() -> None:
    assert sum(event.amount for event in FULL if isinstance(event, BalanceCredited)) == MAX_BALANCE


class TestOpenAccount:
    def test_creates_an_account(self) -> None:
        given(*NOT_OPENED).when(OpenAccount(currency="EUR")).then(CREATED)

    def test_creates_an_account_with_an_overdraft_limit(self) -> None:
        given(*NOT_OPENED).when(OpenAccount(currency="EUR", overdraft_limit=50)).then(CREATED_WITH_LIMIT)

    @pytest.mark.parametrize("past", [*OPEN_STATES.values(), CLOSED_ACCOUNT], ids=[*OPEN_STATES, "closed"])
    def test_happens_once(self, past: tuple[AccountEvent, ...]) -> None:
        given(*past).when(OpenAccount(currency="EUR")).then_error(AccountAlreadyExistsError)


class TestCreditAccount:
    @pytest.mark.parametrize("name", [name for name in OPEN_STATES if name != "full"])
    def test_pays_in(self, name: str) -> None:
        given(*OPEN_STATES[name]).when(CreditAccount(amount=7)).then(credited(7))

    def test_keeps_the_reference(self) -> None:
        given(*ZERO).when(CreditAccount(amount=7, reference="r")).then(
            BalanceCredited(amount=7, currency="EUR", reference="r")
        )

    def test_takes_the_currency_of_the_account(self) -> None:
        given(AccountCreated(currency="JPY", overdraft_limit=0)).when(CreditAccount(amount=7)).then(
            BalanceCredited(amount=7, currency="JPY")
        )

    def test_reaches_the_largest_balance(self) -> None:
        given(*FULL, withdrawn(8)).when(CreditAccount(amount=8)).then(credited(8))

    def test_does_not_pass_the_largest_balance(self) -> None:
        given(*FULL).when(CreditAccount(amount=1)).then_error(BalanceLimitExceededError)

    def test_needs_an_account(self) -> None:
        given(*NOT_OPENED).when(CreditAccount(amount=7)).then_error(AccountNotFoundError)

    def test_needs_an_open_account(self) -> None:
        given(*CLOSED_ACCOUNT).when(CreditAccount(amount=7)).then_error(AccountClosedError)


class TestWithdrawFromAccount:
    def test_takes_out_the_whole_balance(self) -> None:
        given(*POSITIVE).when(WithdrawFromAccount(amount=100)).then(withdrawn(100))

    def test_keeps_the_reference(self) -> None:
        given(*POSITIVE).when(WithdrawFromAccount(amount=1, reference="r")).then(
            BalanceWithdrawn(amount=1, currency="EUR", reference="r")
        )

    def test_does_not_pass_the_balance(self) -> None:
        given(*POSITIVE).when(WithdrawFromAccount(amount=101)).then_error(InsufficientFundsError)

    def test_takes_nothing_from_a_zero_balance(self) -> None:
        given(*ZERO).when(WithdrawFromAccount(amount=1)).then_error(InsufficientFundsError)

    def test_reaches_the_overdraft_limit(self) -> None:
        given(*ZERO_WITH_LIMIT).when(WithdrawFromAccount(amount=50)).then(withdrawn(50))

    def test_does_not_pass_the_overdraft_limit(self) -> None:
        given(*ZERO_WITH_LIMIT).when(WithdrawFromAccount(amount=51)).then_error(InsufficientFundsError)

    def test_goes_on_from_an_overdrawn_account(self) -> None:
        given(*OVERDRAWN).when(WithdrawFromAccount(amount=20)).then(withdrawn(20))

    def test_does_not_pass_the_limit_of_an_overdrawn_account(self) -> None:
        given(*OVERDRAWN).when(WithdrawFromAccount(amount=21)).then_error(InsufficientFundsError)

    def test_takes_nothing_at_the_limit(self) -> None:
        given(*AT_LIMIT).when(WithdrawFromAccount(amount=1)).then_error(InsufficientFundsError)

    def test_takes_from_a_full_account(self) -> None:
        given(*FULL).when(WithdrawFromAccount(amount=MAX_AMOUNT)).then(withdrawn(MAX_AMOUNT))

    def test_needs_an_account(self) -> None:
        given(*NOT_OPENED).when(WithdrawFromAccount(amount=1)).then_error(AccountNotFoundError)

    def test_needs_an_open_account(self) -> None:
        given(*CLOSED_ACCOUNT).when(WithdrawFromAccount(amount=1)).then_error(AccountClosedError)


class TestCloseAccount:
    @pytest.mark.parametrize(
        "past",
        [ZERO, ZERO_WITH_LIMIT, (*POSITIVE, withdrawn(100)), (*OVERDRAWN, credited(30))],
        ids=["zero", "zero with limit", "emptied", "paid back"],
    )
    def test_closes_at_zero(self, past: tuple[AccountEvent, ...]) -> None:
        given(*past).when(CloseAccount()).then(CLOSED)

    @pytest.mark.parametrize("past", [POSITIVE, OVERDRAWN, AT_LIMIT, FULL])
    def test_needs_a_zero_balance(self, past: tuple[AccountEvent, ...]) -> None:
        given(*past).when(CloseAccount()).then_error(BalanceNotZeroError)

    def test_needs_an_account(self) -> None:
        given(*NOT_OPENED).when(CloseAccount()).then_error(AccountNotFoundError)

    def test_happens_once(self) -> None:
        given(*CLOSED_ACCOUNT).when(CloseAccount()).then_error(AccountClosedError)


def test_every_command_has_its_rules_told_here() -> None:
    assert {f"Test{command.__name__}" for command in get_args(AccountCommand)} <= globals().keys()


@pytest.mark.parametrize(
    "command",
    [OpenAccount(currency="EUR"), CreditAccount(amount=1), WithdrawFromAccount(amount=1), CloseAccount()],
    ids=lambda command: type(command).__name__,
)
def test_a_closed_account_accepts_nothing(command: AccountCommand) -> None:
    expected = AccountAlreadyExistsError if isinstance(command, OpenAccount) else AccountClosedError
    given(*CLOSED_ACCOUNT).when(command).then_error(expected)
