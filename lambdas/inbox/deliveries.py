"""Reads the commands that a batch delivers, before any of them is carried out."""

from __future__ import annotations

import msgspec

from lambdas.accounts.commands import Transfer
from lambdas.accounts.errors import InvalidFieldError
from lambdas.inbox.instructions import Instruction, instruction_of
from lambdas.inbox.stream_records import CommandKey, CommandRow, StreamRecord, correlation_of, key_of, row_of


class Content(msgspec.Struct, frozen=True):
    """A command that can be read. `instruction` is the valid command, or why it is none, which ends it as REJECTED."""

    row: CommandRow
    instruction: Instruction | InvalidFieldError


class Delivery(msgspec.Struct, frozen=True):
    """A command as its record tells it. `accounts` are those it touches, the one it is stored under first.

    `content` is what the record tells of it, or why that cannot be read, which is a technical failure.
    """

    key: CommandKey
    correlation_id: str
    accounts: tuple[str, ...]
    record: StreamRecord
    content: Content | Exception


def read_delivery(record: StreamRecord) -> Delivery:
    """Read a record. Raises MalformedRecordError if it does not even say which command it is about."""
    key, correlation_id = key_of(record), correlation_of(record) or ""
    alone = (key.account_id,)
    try:
        row = row_of(record)
        content = Content(row, _instruction(row))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this command's, and stops no other account
        return Delivery(key, correlation_id, alone, record, error)
    return Delivery(key, correlation_id, _touched(alone, content.instruction), record, content)


def _instruction(row: CommandRow) -> Instruction | InvalidFieldError:
    try:
        return instruction_of(row)
    except InvalidFieldError as error:
        return error


def _touched(alone: tuple[str, ...], instruction: Instruction | InvalidFieldError) -> tuple[str, ...]:
    if isinstance(instruction, Instruction) and isinstance(instruction.command, Transfer):
        return (*alone, instruction.command.to_account_id)
    return alone
