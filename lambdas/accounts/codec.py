"""How events and state are stored, as data: classes, schema versions and upcasters.

When a stored shape changes: raise `version` and add to `upcasters` a function from the JSON object of the last version
to that of the next, and put one stored sample of the new version beside the tests. Samples and upcasters stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from lambdas.accounts.events import (
    AccountClosed,
    AccountCreated,
    BalanceCredited,
    BalanceWithdrawn,
    TransferReceived,
    TransferSent,
)
from lambdas.accounts.state import Account

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class Schema(Struct, frozen=True):
    """A stored class; its name is its stored type. `upcasters[n]` turns version n into version n + 1."""

    cls: type[Struct]
    version: int = 1
    upcasters: Mapping[int, Upcaster] = {}


EVENT_SCHEMAS: Final = (
    Schema(AccountCreated),
    Schema(BalanceCredited),
    Schema(BalanceWithdrawn),
    Schema(TransferSent),
    Schema(TransferReceived),
    Schema(AccountClosed),
)

STATE_SCHEMA: Final = Schema(Account)
