"""The operations that the gateway answers from DynamoDB itself, as data like the synchronous ones."""

from __future__ import annotations

from typing import Final

from lambdas.accounts.commands import COMMANDS
from lambdas.contracts import problems
from lambdas.contracts.http import CommandAccepted, CommandStatus
from lambdas.contracts.operations import ALWAYS, Operation

SUBMIT_COMMAND: Final = Operation(
    method="POST",
    path="/accounts/{account_id}/commands",
    operation_id="submitCommand",
    summary="Store a command, to be processed at once but later",
    description="202 says that the command is stored and will be processed, not that it succeeds: ask at Location. "
    "What the gateway lets through but is no valid command, unknown fields for one, ends as REJECTED with "
    "`invalid-command`. The account of an OpenAccount is the one in the path: the client chooses a UUID. A "
    "Transfer is sent to the account it takes from. Query parameters are ignored; If-Match is answered 400. "
    "Retry-After stands with PENDING. 429 may also mean that the command is stored and just being carried out.",
    commands=COMMANDS,
    status=202,
    reply=CommandAccepted,
    reply_headers=("Location", "RetryAfter"),
    parameters=("AccountId", "CommandKey", "CorrelationId"),
    problems=(
        *ALWAYS,
        problems.PAYLOAD_TOO_LARGE,
        problems.UNSUPPORTED_MEDIA_TYPE,
        problems.IDEMPOTENCY_KEY_REUSED,
        problems.NOT_APPLIED,
    ),
)

GET_COMMAND: Final = Operation(
    method="GET",
    path="/accounts/{account_id}/commands/{command_id}",
    operation_id="getCommand",
    summary="Read what became of a command",
    description="Retry-After stands with PENDING: ask again then. An id that no command can have is unknown: 404. "
    "A Content-Type other than application/json is answered 415, though there is no body.",
    reply=CommandStatus,
    reply_headers=("RetryAfter",),
    parameters=("AccountId", "CommandId", "CorrelationId"),
    problems=(
        *(kind for kind in ALWAYS if kind is not problems.INVALID_REQUEST),
        problems.COMMAND_NOT_FOUND,
        problems.UNSUPPORTED_MEDIA_TYPE,
        problems.STORE_UNAVAILABLE,
    ),
)

ASYNCHRONOUS_OPERATIONS: Final = (SUBMIT_COMMAND, GET_COMMAND)
