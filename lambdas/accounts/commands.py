"""The commands. They are also the bodies of HTTP requests: field names, bounds and tags are published."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from lambdas.accounts.moments import EXAMPLE, PATTERN
from lambdas.accounts.money import Amount, Currency, OverdraftLimit
from lambdas.accounts.text import EXPECTED, FORM, AccountId, Reference

OccurredAt = Annotated[
    str,
    Meta(
        description="Business time: RFC 3339 with an offset, from 1900 to at most 5 minutes in the future. "
        "What is finer than a millisecond is cut.",
        extra_json_schema={"format": "date-time"},
        extra={EXPECTED: f"a date and time with an offset (RFC 3339), such as {EXAMPLE}", FORM: PATTERN},
    ),
]
"""Text, read by `business_time`: JSON decoders round what is finer than they can hold, and know no leap second."""


class Command(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag=True):
    """Base of the commands. `occurred_at` left out means now."""

    occurred_at: OccurredAt | UnsetType = UNSET


class OpenAccount(Command, frozen=True, kw_only=True):
    """Open an account with a zero balance."""

    currency: Annotated[Currency, Meta(extra={EXPECTED: "the ISO 4217 code of a currency in use, such as EUR"})]
    overdraft_limit: OverdraftLimit = 0


class CreditAccount(Command, frozen=True, kw_only=True):
    """Pay money in."""

    amount: Amount
    reference: Reference | UnsetType = UNSET


class WithdrawFromAccount(Command, frozen=True, kw_only=True):
    """Take money out, down to the overdraft limit."""

    amount: Amount
    reference: Reference | UnsetType = UNSET


class CloseAccount(Command, frozen=True, kw_only=True):
    """Close an account whose balance is zero, for good."""


class Transfer(Command, frozen=True, kw_only=True):
    """Move money between two different open accounts of one currency."""

    from_account_id: AccountId
    to_account_id: AccountId
    amount: Amount
    reference: Reference | UnsetType = UNSET


AccountCommand: TypeAlias = OpenAccount | CreditAccount | WithdrawFromAccount | CloseAccount
"""A command to one account."""

AnyCommand: TypeAlias = AccountCommand | Transfer

COMMANDS: Final[tuple[type[AnyCommand], ...]] = get_args(AnyCommand)
"""The one list of commands: all others are made from it."""
