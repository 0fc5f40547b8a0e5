"""Account statements to replay: real ones where there is a file of them, made-up ones of the same form elsewhere.

The file is `../shared/data/statements.csv`, or the one that DAYBOOK_STATEMENTS names; it is not part of the repository.
"""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final

from lambdas.accounts.commands import AccountCommand, CreditAccount, WithdrawFromAccount
from local.machine.layout import REPOSITORY

CURRENCY: Final = "CZK"
STATEMENTS = Path(os.environ.get("DAYBOOK_STATEMENTS") or REPOSITORY.parent / "shared" / "data" / "statements.csv")
SEED = 1993
ACCOUNTS = 8
LINES = 14


@dataclass(frozen=True)
class Line:
    """A printed line of a statement; amounts in heller."""

    day: date
    type: str
    amount: int
    balance: int

    @property
    def command(self) -> AccountCommand:
        """What makes the ledger book it."""
        occurred_at = f"{self.day.isoformat()}T00:00:00Z"
        if self.type == "credit":
            return CreditAccount(amount=self.amount, occurred_at=occurred_at)
        return WithdrawFromAccount(amount=self.amount, occurred_at=occurred_at)


def statements() -> list[list[Line]]:
    """The lines of every account, in the order in which the accounts first appear."""
    return _printed() if STATEMENTS.exists() else made_up()


def _printed() -> list[list[Line]]:
    by_account: dict[str, list[Line]] = defaultdict(list)
    with STATEMENTS.open(newline="") as file:
        for row in csv.DictReader(file):
            amount, balance = (int(Decimal(row[name]) * 100) for name in ("amount", "balance"))
            by_account[row["account"]].append(Line(date.fromisoformat(row["date"]), row["type"], amount, balance))
    return list(by_account.values())


def made_up() -> list[list[Line]]:
    """A few short statements, the same each time. The balance goes down to zero at most, and at times to zero."""
    random = Random(SEED)
    return [_account(random) for _ in range(ACCOUNTS)]


def _account(random: Random) -> list[Line]:
    lines: list[Line] = []
    day, balance = date(1993, 1, 1), 0
    for _ in range(LINES):
        day += timedelta(days=random.randrange(30))
        if balance and random.random() < 0.4:
            amount = random.choice((balance, random.randint(1, balance)))
            balance -= amount
            lines.append(Line(day, "withdraw", amount, balance))
        else:
            amount = random.randint(1, 10**7)
            balance += amount
            lines.append(Line(day, "credit", amount, balance))
    return lines
