"""Why the domain rejects a command. Each `code` is stable: it is published as the type of a problem.

DomainError
├── InvalidFieldError              a value is not acceptable, whatever the state
├── AccountNotFoundError           the account was never opened
├── NoTestCallerError              the caller may not open an account in the test currency
└── RuleBrokenError                the account's state forbids it
    ├── AccountAlreadyExistsError
    ├── AccountClosedError
    ├── InsufficientFundsError
    ├── BalanceNotZeroError
    ├── BalanceLimitExceededError
    ├── CurrencyMismatchError
    └── SameAccountError
"""

from __future__ import annotations

from typing import ClassVar, Final


class DomainError(Exception):
    """Base of every rejection. The message may be shown to the caller: it holds no amounts."""

    code: ClassVar[str]


class InvalidFieldError(DomainError):
    """A value is not acceptable, whatever the state of any account; `field` names it."""

    code = "invalid-request"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class AccountNotFoundError(DomainError):
    """The account was never opened."""

    code = "account-not-found"


class NoTestCallerError(DomainError):
    """The caller is none of those that may open an account in the test currency."""

    code = "test-callers-only"


class RuleBrokenError(DomainError):
    """The state of an account forbids the command."""


class AccountAlreadyExistsError(RuleBrokenError):
    """An account is opened once."""

    code = "account-already-exists"


class AccountClosedError(RuleBrokenError):
    """A closed account accepts nothing."""

    code = "account-closed"


class InsufficientFundsError(RuleBrokenError):
    """The amount is above balance + overdraft limit."""

    code = "insufficient-funds"


class BalanceNotZeroError(RuleBrokenError):
    """Only an account with a zero balance can be closed."""

    code = "balance-not-zero"


class BalanceLimitExceededError(RuleBrokenError):
    """The balance would pass the largest that can be kept exactly."""

    code = "balance-limit-exceeded"


class CurrencyMismatchError(RuleBrokenError):
    """A transfer needs two accounts of one currency."""

    code = "currency-mismatch"


class SameAccountError(RuleBrokenError):
    """A transfer needs two different accounts."""

    code = "same-account"


REFUSALS: Final = tuple(RuleBrokenError.__subclasses__())
"""The one list of broken rules: every subclass of RuleBrokenError above."""
