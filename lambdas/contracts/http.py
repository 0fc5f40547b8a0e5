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
Day = Annotated[str, Meta(description="A day in UTC.", examples=["2026-03-01"], extra_json_schema={"format": "date"})]
Count = Annotated[int, Meta(ge=0)]
_SUM = "Minor units of the currency, as decimal digits in a text: a sum over accounts can pass 2^53, up to which JSON's"
Sum = Annotated[
    str,
    Meta(
        description=f"{_SUM} numbers are exact in every reader.",
        examples=["12500"],
        extra_json_schema={"pattern": "^(0|[1-9][0-9]*)$"},
    ),
]
SignedSum = Annotated[
    str,
    Meta(
        description=f"{_SUM} numbers are exact in every reader. Below zero with a minus sign.",
        examples=["-4000"],
        extra_json_schema={"pattern": "^(0|-?[1-9][0-9]*)$"},
    ),
]
RowHash = Annotated[
    str,
    Meta(description="32 bytes in Base64.", extra_json_schema={"pattern": "^[A-Za-z0-9+/]{43}=$"}),
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


class Row(Struct, frozen=True):
    """A row of the event table as it is stored: an event, who acted in its metadata, and on some rows a snapshot.

    `data`, `metadata` and `state` are JSON texts, character by character as they are hashed. `hash` is SHA-256, in
    Base64, over the hash of the version before and the other eleven elements.
    """

    stream_id: AccountId
    version: Version
    commit_id: str
    type: str
    schema: int
    data: str
    metadata: str
    occurred_at: str
    recorded_at: str
    state: str | None
    state_schema: int | None
    hash: RowHash


class Rows(Struct, frozen=True):
    """A page of rows, newest first. `next_before` as `before` gets the next page, of older rows; null at the end."""

    rows: list[Row]
    next_before: int | None


class AccountSummary(Struct, frozen=True):
    """An account as the read model has it: the fold of its events up to `version`, which may not be the newest.

    `opened_at` and `last_activity_at` are booking times of its first and of that event; `events` counts them.
    """

    account_id: AccountId
    status: Literal["open", "closed"]
    currency: CurrencyCode
    balance: Balance
    overdraft_limit: OverdraftLimit
    version: Version
    opened_at: Timestamp
    last_activity_at: Timestamp
    events: Count


class AccountList(Struct, frozen=True):
    """A page of accounts. `next_cursor` gets the next page; null at the end, and where ids were asked for."""

    accounts: list[AccountSummary]
    next_cursor: str | None


class DayTotals(Struct, frozen=True):
    """What was booked on a day (UTC) over all accounts of the currency, as in the daily report.

    A transfer counts once, for its sender. `net` is what the day added to all balances.
    """

    day: Day
    events: Count
    active_accounts: Count
    opened: Count
    closed: Count
    credits: Count
    credited: Sum
    withdrawals: Count
    withdrawn: Sum
    transfers: Count
    transferred: Sum
    net: SignedSum


class Totals(Struct, frozen=True):
    """The totals of each day from `from` to `to`, both included, in order. A day without events is left out."""

    first: Day = field(name="from")
    last: Day = field(name="to")
    currency: CurrencyCode
    totals: list[DayTotals]


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
