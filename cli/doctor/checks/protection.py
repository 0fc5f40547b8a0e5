"""Whether data is protected against removal, once it is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, ok, warning
from stacks.environment import STACKS_WITH_DATA

TABLES: Final = ("EventTableName", "ReceiptsTableName", "CommandsTableName")
"""Outputs of the ledger's stack."""


def _protect(account: Account) -> str:
    return f"make protect ENV={account.config.name}"


def _look_at_stacks(account: Account) -> Iterator[Seen]:
    if not account.config.protect_data:
        yield ok(f"{account.config.name} protects no data")
        return
    there = [name for name in STACKS_WITH_DATA if account.is_deployed(name)]
    open_ = [name for name in there if not account.stacks[name].get("EnableTerminationProtection")]
    if open_:
        yield warning(f"anybody who may delete a stack may delete {', '.join(open_)}", _protect(account))
    else:
        yield ok(f"{', '.join(there)} cannot be deleted by mistake" if there else "nothing is deployed yet")


def _look_at_tables(account: Account) -> Iterator[Seen]:
    if not account.config.protect_data:
        yield ok(f"{account.config.name} protects no data")
        return
    tables = [name for each in TABLES if (name := account.output("Ledger", each))]
    open_ = [
        each
        for each in tables
        if not account.ask("dynamodb", "describe_table", TableName=each)["Table"].get("DeletionProtectionEnabled")
    ]
    if open_:
        yield warning(f"anybody who may delete a table may delete {', '.join(open_)}", _protect(account))
    else:
        yield ok(f"{len(tables)} tables cannot be deleted by mistake" if tables else "nothing is deployed yet")


STACKS = Check("termination protection", "A stack that is deleted takes its resources with it.", _look_at_stacks)
TABLES_OF_LEDGER = Check("deletion protection", "A table that is deleted is lost but for its backups.", _look_at_tables)
