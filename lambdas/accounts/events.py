"""The events. The class name is the stored type name.

Every event names its account's currency, so that each can be read and counted by itself.

A change of shape needs a new schema version and an upcaster (see `codec`). Optional fields that are not set
are left out of what is stored. Text and numbers make no cycles, so the garbage collector need not track events
(`gc=False`).
"""

from __future__ import annotations

from typing import Final, TypeAlias, get_args

from msgspec import UNSET, Struct, UnsetType

from lambdas.accounts.money import Amount, CurrencyCode, OverdraftLimit
from lambdas.accounts.text import AccountId, Reference, TransferId


class AccountCreated(Struct, frozen=True, gc=False, kw_only=True):
    """An account was opened with a zero balance."""

    currency: CurrencyCode
    overdraft_limit: OverdraftLimit


class BalanceCredited(Struct, frozen=True, gc=False, kw_only=True):
    """Money was paid in."""

    amount: Amount
    currency: CurrencyCode
    reference: Reference | UnsetType = UNSET


class BalanceWithdrawn(Struct, frozen=True, gc=False, kw_only=True):
    """Money was taken out."""

    amount: Amount
    currency: CurrencyCode
    reference: Reference | UnsetType = UNSET


class TransferSent(Struct, frozen=True, gc=False, kw_only=True):
    """Money went to another account, which has a TransferReceived of the same transfer."""

    transfer_id: TransferId
    to_account_id: AccountId
    amount: Amount
    currency: CurrencyCode
    reference: Reference | UnsetType = UNSET


class TransferReceived(Struct, frozen=True, gc=False, kw_only=True):
    """Money came from another account, which has a TransferSent of the same transfer."""

    transfer_id: TransferId
    from_account_id: AccountId
    amount: Amount
    currency: CurrencyCode
    reference: Reference | UnsetType = UNSET


class AccountClosed(Struct, frozen=True, gc=False, kw_only=True):
    """The account was closed; no event follows."""

    currency: CurrencyCode


AccountEvent: TypeAlias = (
    AccountCreated | BalanceCredited | BalanceWithdrawn | TransferSent | TransferReceived | AccountClosed
)

EVENTS: Final[tuple[type[AccountEvent], ...]] = get_args(AccountEvent)
"""The one list of events: all others are made from it."""
