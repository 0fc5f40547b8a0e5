"""Names of the commands table's keys, attributes and statuses, for all code that uses the table.

The gateway writes a command's row as PENDING. It ends as SUCCEEDED, REJECTED (by a business rule) or FAILED (for a
technical reason).
"""

from lambdas.eventsourcing.dynamodb_items import InboxTable

HASH_KEY = "account_id"
"""String: the account a command belongs to."""

RANGE_KEY = "command_id"
"""String: `<caller>/<key>`, who sent the command and its id as the API shows it (see `lambdas.service.keys`)."""

TTL_ATTRIBUTE = "expires_at"
"""Number: epoch seconds after which DynamoDB may delete the row. Rows without it never expire; of commands, only those
that ended as invalid have it."""

STATUS = "status"
"""String: one of the four statuses."""

PENDING = "PENDING"
SUCCEEDED = "SUCCEEDED"
REJECTED = "REJECTED"
FAILED = "FAILED"

BODY = "body"
"""Binary: exactly the bytes that the client sent."""

SUBMITTED_AT = "submitted_at"
"""String: when the gateway stored the command, RFC 3339 with Z and three digits."""

CORRELATION_ID = "correlation_id"
"""String: the correlation id of the request that stored the command."""

ACTOR = "actor"
"""String: the principal who sent the command, or `anonymous`."""

COMPLETED_AT = "completed_at"
"""String: when the command reached its end state, in the format of `submitted_at`."""

COMMIT_ID = "commit_id"
"""String: the commit that wrote the end state; after a success it also wrote the events."""

VERSION = "version"
"""Number, SUCCEEDED only: the account's version after the command."""

BALANCE = "balance"
"""Number, SUCCEEDED only: the account's balance after the command, in minor units."""

PROBLEM = "problem"
"""String, REJECTED and FAILED only: the problem details as JSON text."""

FAILED_ON = "failed_on"
"""String: UTC day (YYYY-MM-DD) of the first failure. A redrive to PENDING keeps it, the completion removes it."""

FAILED_INDEX = "failed"
"""Sparse, keys-only index of rows with `failed_on`, which is its hash key; its range key is `RANGE_KEY`."""


def inbox_table(name: str) -> InboxTable:
    """Where the event store finds stored commands and ends them."""
    return InboxTable(
        name=name,
        hash_key=HASH_KEY,
        range_key=RANGE_KEY,
        status_attribute=STATUS,
        pending=PENDING,
        cleared=(FAILED_ON,),
    )
