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
    summary="Store a command, to be processed asynchronously",
    description="202 says that the command is stored and will be processed, not that it succeeds: read its status at "
    "Location. What is wrong with a field is answered 400, but for a moment that does not exist or lies in the future: "
    "it ends as REJECTED with `invalid-command`. The account of an OpenAccount is the one in the path: the client "
    "chooses a UUID, of any version but 8, which POST /accounts derives; one in XTS, the test currency, ends as "
    "REJECTED unless the environment names the caller. A Transfer is sent to the account it takes "
    "from. Query parameters are ignored; If-Match gets 400. PENDING comes with Retry-After. "
    "429 may also mean that the command is stored and is being carried out.",
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
    summary="Read the status of a command",
    description="PENDING comes with Retry-After: read again after that time. An id that is unknown, another "
    "caller's, or one that no command can have gets 404. "
    "A Content-Type other than application/json gets 415, although there is no body.",
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
