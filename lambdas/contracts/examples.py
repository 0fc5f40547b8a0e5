"""The one example of every command and of every event: documents and stored samples are made from these.

They are instances of the classes, so that they cannot fall behind them.
"""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

from lambdas.accounts.commands import (
    AnyCommand,
    CloseAccount,
    CreditAccount,
    OpenAccount,
    Transfer,
    WithdrawFromAccount,
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
from lambdas.contracts.errors import ContractIncompleteError

ACCOUNT_ID: Final = "0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10"
OTHER_ACCOUNT_ID: Final = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
TRANSFER_ID: Final = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"

COMMAND_EXAMPLES: Final[tuple[AnyCommand, ...]] = (
    OpenAccount(currency="EUR", overdraft_limit=5000),
    CreditAccount(amount=10000, reference="invoice 4711"),
    WithdrawFromAccount(amount=1000),
    CloseAccount(),
    Transfer(from_account_id=ACCOUNT_ID, to_account_id=OTHER_ACCOUNT_ID, amount=1000, reference="rent"),
)

EVENT_EXAMPLES: Final[tuple[AccountEvent, ...]] = (
    AccountCreated(currency="EUR", overdraft_limit=5000),
    BalanceCredited(amount=10000, currency="EUR", reference="invoice 4711"),
    BalanceWithdrawn(amount=1000, currency="EUR"),
    TransferSent(
        transfer_id=TRANSFER_ID, to_account_id=OTHER_ACCOUNT_ID, amount=1000, currency="EUR", reference="rent"
    ),
    TransferReceived(transfer_id=TRANSFER_ID, from_account_id=OTHER_ACCOUNT_ID, amount=1000, currency="EUR"),
    AccountClosed(currency="EUR"),
)
"""The life of one account, in order."""


def command_example(command: type[AnyCommand], *, tagged: bool = True) -> Any:
    """The example of a command, as JSON values. Raises ContractIncompleteError."""
    document: dict[str, Any] = msgspec.to_builtins(_of_class(command, COMMAND_EXAMPLES, "COMMAND_EXAMPLES"))
    if not tagged:
        del document["type"]
    return document


def event_example(event: type[msgspec.Struct]) -> AccountEvent:
    """The example of an event. Raises ContractIncompleteError."""
    return cast("AccountEvent", _of_class(event, EVENT_EXAMPLES, "EVENT_EXAMPLES"))


def _of_class(cls: type, examples: tuple[msgspec.Struct, ...], name: str) -> msgspec.Struct:
    for example in examples:
        if type(example) is cls:
            return example
    raise ContractIncompleteError(f"{cls.__name__} has no example: add one to {name} in lambdas/contracts/examples.py")
