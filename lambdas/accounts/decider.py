"""The rules: decide(command, state) -> events, or a DomainError.

Source of the pattern: Jérémie Chassaing, "Functional Event Sourcing Decider" (2021).
"""

from __future__ import annotations

from typing import assert_never

from lambdas.accounts.commands import (
    AccountCommand,
    CloseAccount,
    CreditAccount,
    OpenAccount,
    Transfer,
    WithdrawFromAccount,
)
from lambdas.accounts.errors import (
    AccountAlreadyExistsError,
    AccountClosedError,
    AccountNotFoundError,
    BalanceLimitExceededError,
    BalanceNotZeroError,
    CurrencyMismatchError,
    InsufficientFundsError,
    SameAccountError,
)
from lambdas.accounts.events import (
    AccountClosed,
    AccountCreated,
    AccountEvent,
    BalanceCredited,
    BalanceWithdrawn,
    TransferReceived,
    TransferSent,
)
from lambdas.accounts.money import MAX_BALANCE
from lambdas.accounts.state import Account


def decide(command: AccountCommand, state: Account | None) -> tuple[AccountEvent, ...]:
    """The events that a command to one account causes.

    Raises AccountNotFoundError, AccountAlreadyExistsError, AccountClosedError, InsufficientFundsError,
    BalanceNotZeroError, BalanceLimitExceededError.
    """
    match command:
        case CreditAccount():
            account = _open(state, "account")
            _check_room(account, command.amount, "account")
            return (BalanceCredited(amount=command.amount, currency=account.currency, reference=command.reference),)
        case WithdrawFromAccount():
            account = _open(state, "account")
            _check_funds(account, command.amount)
            return (BalanceWithdrawn(amount=command.amount, currency=account.currency, reference=command.reference),)
        case OpenAccount():
            if state is not None:
                raise AccountAlreadyExistsError("an id is opened once; nothing was changed")
            return (AccountCreated(currency=command.currency, overdraft_limit=command.overdraft_limit),)
        case CloseAccount():
            account = _open(state, "account")
            if account.balance != 0:
                raise BalanceNotZeroError("take out what is left, or pay the overdraft back, and close it then")
            return (AccountClosed(currency=account.currency),)
        case _:
            assert_never(command)


def decide_transfer(
    command: Transfer, sender: Account | None, receiver: Account | None, transfer_id: str
) -> tuple[TransferSent, TransferReceived]:
    """The event for the sender's stream and the one for the receiver's.

    Raises SameAccountError, AccountNotFoundError, AccountClosedError, CurrencyMismatchError,
    InsufficientFundsError, BalanceLimitExceededError.
    """
    if command.from_account_id == command.to_account_id:
        raise SameAccountError("from_account_id and to_account_id are the same")
    source = _open(sender, "sending account")
    target = _open(receiver, "receiving account")
    if source.currency != target.currency:
        raise CurrencyMismatchError("these two have different currencies, and none is exchanged")
    _check_funds(source, command.amount)
    _check_room(target, command.amount, "receiving account")
    sent = TransferSent(
        transfer_id=transfer_id,
        to_account_id=command.to_account_id,
        amount=command.amount,
        currency=source.currency,
        reference=command.reference,
    )
    received = TransferReceived(
        transfer_id=transfer_id,
        from_account_id=command.from_account_id,
        amount=command.amount,
        currency=target.currency,
        reference=command.reference,
    )
    return sent, received


def _open(state: Account | None, role: str) -> Account:
    if state is None:
        raise AccountNotFoundError(f"the {role} was never opened")
    if state.status == "closed":
        raise AccountClosedError(f"the {role} is closed, and accepts nothing any more")
    return state


def _check_funds(account: Account, amount: int) -> None:
    if amount > account.balance + account.overdraft_limit:
        raise InsufficientFundsError("nothing was taken out; the account shows its balance and overdraft_limit")


def _check_room(account: Account, amount: int, role: str) -> None:
    if account.balance + amount > MAX_BALANCE:
        raise BalanceLimitExceededError(f"the balance of the {role} would pass {MAX_BALANCE}")
