"""Decodes a stored command: its body, validated by the command classes, and its business time."""

from __future__ import annotations

import msgspec

from lambdas.accounts.business_time import business_time
from lambdas.accounts.commands import COMMANDS, AnyCommand, OpenAccount, Transfer
from lambdas.accounts.errors import InvalidFieldError
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.inbox.stream_records import CommandRow
from lambdas.service.command_json import decode_command
from lambdas.service.derived_ids import is_derived


class Instruction(msgspec.Struct, frozen=True):
    """A valid command, and its business time as text in the format of events."""

    command: AnyCommand
    occurred_at: str


def instruction_of(row: CommandRow) -> Instruction:
    """Read a row's body. Raises InvalidFieldError, which names the first offending field.

    Business time is checked against `submitted_at`, which is also its default. So a command has the same result
    however late it is processed.
    """
    command = decode_command(row.body, *COMMANDS)
    if isinstance(command, Transfer) and command.from_account_id != row.key.account_id:
        raise InvalidFieldError("from_account_id", "is not the account in the path")
    if isinstance(command, OpenAccount) and is_derived(row.key.account_id):
        raise InvalidFieldError(
            "account_id", "is a UUID of version 8: those are derived by POST /accounts; choose another"
        )
    occurred_at = row.submitted_at
    if not isinstance(command.occurred_at, msgspec.UnsetType):
        occurred_at = business_time(command.occurred_at, row.submitted_at)
    return Instruction(command, format_timestamp(occurred_at))
