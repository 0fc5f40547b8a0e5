"""The bodies of HTTP responses. Amounts are minor units; timestamps are RFC 3339, UTC, milliseconds."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from lambdas.accounts.events import AccountEvent
from lambdas.accounts.money import Balance, CurrencyCode, OverdraftLimit
from lambdas.accounts.text import AccountId, TransferId

Version = Annotated[int, Meta(ge=1, description="1-based position in the account's history, without gaps.")]
Timestamp = Annotated[
    str,
    Meta(
        description="RFC 3339 in UTC with milliseconds.",
        examples=["2026-03-01T09:30:00.000Z"],
        extra_json_schema={
            "format": "date-time",
            "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$",
        },
    ),
]
COMMAND_ID_PATTERN = "^[A-Za-z0-9._:-]*[A-Za-z0-9_:-][A-Za-z0-9._:-]*$"
"""Not only dots: a path cannot end in such a segment."""
CommandId = Annotated[
    str,
    Meta(
        description="The Idempotency-Key of the request, or a generated id.",
        extra_json_schema={"pattern": COMMAND_ID_PATTERN, "maxLength": 64},
    ),
]
CommandState = Literal["PENDING", "SUCCEEDED", "REJECTED", "FAILED"]


class Account(Struct, frozen=True):
    """An account at a version; `updated_at` is when that version was recorded."""

    account_id: AccountId
    status: Literal["open", "closed"]
    currency: CurrencyCode
    balance: Balance
    overdraft_limit: OverdraftLimit
    version: Version
    updated_at: Timestamp


class TransferResult(Struct, frozen=True):
    """Both accounts after a transfer."""

    transfer_id: TransferId
    sender: Account = field(name="from")
    receiver: Account = field(name="to")


class HistoryEntry(Struct, frozen=True):
    """One event: `occurred_at` is business time, `recorded_at` when it was appended."""

    version: Version
    type: str
    occurred_at: Timestamp
    recorded_at: Timestamp
    data: AccountEvent


class History(Struct, frozen=True):
    """A page of events, newest first. `next_cursor` gets the next page, of older events; null at the end."""

    events: list[HistoryEntry]
    next_cursor: str | None


class Problem(Struct, frozen=True):
    """Problem details (RFC 9457).

    `field` names the first offending field of a request that is not valid, `account_id` the account that an
    Idempotency-Key has opened for another request.
    """

    type: str
    title: str
    status: int
    detail: str | UnsetType = UNSET
    field: str | UnsetType = UNSET
    account_id: AccountId | UnsetType = UNSET
    correlation_id: str | UnsetType = UNSET


class CommandAccepted(Struct, frozen=True):
    """An asynchronous command that is stored. `status` is PENDING unless the same command was sent before."""

    command_id: CommandId
    account_id: AccountId
    status: CommandState


class CommandStatus(Struct, frozen=True):
    """The status of an asynchronous command.

    Every status except PENDING has `completed_at`. SUCCEEDED has `version` and `balance`, of the account just after
    the command. REJECTED and FAILED have `problem`.
    """

    command_id: CommandId
    account_id: AccountId
    status: CommandState
    submitted_at: Timestamp
    completed_at: Timestamp | UnsetType = UNSET
    version: Version | UnsetType = UNSET
    balance: Balance | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET
