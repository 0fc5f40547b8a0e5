"""Accounts that are stopped: an event that their projection cannot take, or a history that contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from cli.projections.models import Model
from lambdas.projections.control import Control
from lambdas.projections.read_model import AccountRow


class StoppedAccount(msgspec.Struct, frozen=True):
    """An account in one generation: the version of the last event that counts, and why it goes on no further."""

    generation: int
    account_id: str
    version: int
    reason: str


def stopped_account(generation: int, row: AccountRow[Any]) -> StoppedAccount:
    """What its row says."""
    return StoppedAccount(generation, row.account_id, row.gate.version, row.gate.stopped)


def stopped_accounts(model: Model, control: Control) -> Iterator[StoppedAccount]:
    """Those of all generations that take events, the live one first. Raises ReadModelUnavailableError."""
    for number in control.generations:
        yield from (stopped_account(number, row) for row in model.stopped(number))


def stopped_text(account: StoppedAccount) -> str:
    """One line about it. The reason is text of an event's or a program's: what cannot be printed is not."""
    reason = "".join(each if each.isprintable() else " " for each in account.reason)
    where = f"in generation {account.generation} after version {account.version}"
    return f"{account.account_id}  STOPPED {where}: {reason}"
