"""Commands of all kinds in a random mix, and a model of accounts that says what must become of each.

The order of different accounts is not defined. So commands come in phases, each of which must have ended before the
next begins, and within a phase no outcome depends on another account's commands: either none touches two accounts, or
the accounts stand in pairs of which one sends, or all succeed in any order.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

Phase = dict[str, list["Sent"]]

ROUNDS = 4
CURRENCIES = ("EUR", "EUR", "USD")
CROSSING = 4
"""So many commands each account sends in the phase where all succeed, each transfer of one cent."""


@dataclass(frozen=True)
class End:
    """What a command must end as; `version` and `balance` None where the order of other accounts decides them."""

    status: str
    problem: str | None = None
    version: int | None = None
    balance: int | None = None


@dataclass(frozen=True)
class Sent:
    """A command, and its end."""

    body: dict[str, Any]
    end: End


@dataclass
class Account:
    """An account as the documents describe it. `version` 0: not opened."""

    currency: str = ""
    overdraft_limit: int = 0
    balance: int = 0
    version: int = 0
    closed: bool = False


@dataclass
class Model:
    """Accounts in plain Python."""

    accounts: dict[str, Account] = field(default_factory=dict)

    def carry_out(self, account_id: str, body: dict[str, Any]) -> End:
        """Apply a valid command."""
        refusal = self._refusal(account_id, body)
        if refusal is not None:
            return End("REJECTED", refusal)
        account, amount = self.accounts[account_id], body.get("amount", 0)
        account.version += 1
        match body["type"]:
            case "OpenAccount":
                account.currency, account.overdraft_limit = body["currency"], body.get("overdraft_limit", 0)
            case "CreditAccount":
                account.balance += amount
            case "WithdrawFromAccount":
                account.balance -= amount
            case "CloseAccount":
                account.closed = True
            case "Transfer":
                receiver = self.accounts[body["to_account_id"]]
                account.balance, receiver.balance = account.balance - amount, receiver.balance + amount
                receiver.version += 1
        return End("SUCCEEDED", None, account.version, account.balance)

    def _refusal(self, account_id: str, body: dict[str, Any]) -> str | None:
        account, kind = self.accounts[account_id], body["type"]
        if kind == "OpenAccount":
            return "account-already-exists" if account.version else None
        concerned = [account]
        if kind == "Transfer":
            if body["to_account_id"] == account_id:
                return "same-account"
            concerned.append(self.accounts.get(body["to_account_id"], Account()))
        for each in concerned:
            if not each.version or each.closed:
                return "account-closed" if each.closed else "account-not-found"
        if concerned[0].currency != concerned[-1].currency:
            return "currency-mismatch"
        if kind in {"WithdrawFromAccount", "Transfer"} and body["amount"] > account.balance + account.overdraft_limit:
            return "insufficient-funds"
        return "balance-not-zero" if kind == "CloseAccount" and account.balance else None


class Mix:
    """The phases, one after the other; `model` is where they lead."""

    def __init__(
        self, random: Random, accounts: int, currencies: Sequence[str] = CURRENCIES, rounds: int = ROUNDS
    ) -> None:
        self._random = random
        self._rounds = rounds
        self._currencies = currencies
        self.ids = [str(uuid.uuid4()) for _ in range(accounts)]
        self.model = Model({account_id: Account() for account_id in self.ids})

    def phases(self) -> Iterator[Phase]:
        """With 50 accounts and as many rounds as usual, 1,000 commands."""
        yield {each: self._opening(each, early=number % 5 == 0) for number, each in enumerate(self.ids)}
        for _ in range(self._rounds):
            yield {each: [self._alone(each) for _ in range(2)] for each in self.ids}
            yield self._paired()
        yield self._crossed()
        yield {each: self._closing(each) for each in self.ids}
        yield {each: [self._sent(each, {"type": "CreditAccount", "amount": 7})] for each in self.ids[10:]}

    def _sent(self, account_id: str, body: dict[str, Any]) -> Sent:
        return Sent(body, self.model.carry_out(account_id, body))

    def _opening(self, account_id: str, *, early: bool) -> list[Sent]:
        opening = {
            "type": "OpenAccount",
            "currency": self._random.choice(self._currencies),
            "overdraft_limit": self._random.choice([0, 500, 10_000]),
        }
        bodies = [{"type": "CreditAccount", "amount": 1}] * early + [opening]
        return [self._sent(account_id, body) for body in bodies]

    def _alone(self, account_id: str) -> Sent:
        """A command that concerns no other account of the mix, or none that exists."""
        amount, other = self._random.randint(1, 600), str(uuid.uuid4())
        transfer = {"type": "Transfer", "from_account_id": account_id, "to_account_id": other, "amount": amount}
        bodies: list[tuple[int, dict[str, Any]]] = [
            (12, {"type": "CreditAccount", "amount": amount, "reference": f"invoice {amount}"}),
            (8, {"type": "WithdrawFromAccount", "amount": amount, "occurred_at": "2024-02-29T23:30:00+01:00"}),
            (2, {"type": "CloseAccount"}) if self.model.accounts[account_id].balance else (0, {}),
            (1, {"type": "OpenAccount", "currency": "EUR"}),
            (1, transfer),
            (1, transfer | {"to_account_id": account_id}),
        ]
        invalid: list[dict[str, Any]] = [
            {"type": "CreditAccount", "amount": amount, "occurred_at": "0001-01-01T00:00:00Z"},
            {"type": "WithdrawFromAccount", "amount": amount, "occurred_at": "2999-01-01T00:00:00Z"},
            {"type": "OpenAccount", "currency": "EUR", "occurred_at": "2026-02-30T00:00:00Z"},
            {"type": "CloseAccount", "occurred_at": "2026-03-01T25:00:00Z"},
            transfer | {"from_account_id": other, "to_account_id": account_id},
        ]
        if self._random.random() < 0.15:
            return Sent(self._random.choice(invalid), End("REJECTED", "invalid-command"))
        weights = [weight for weight, _ in bodies]
        return self._sent(account_id, self._random.choices(bodies, weights)[0][1])

    def _paired(self) -> Phase:
        """Every second account sends twice to one that is left alone meanwhile."""
        shuffled = self._random.sample(self.ids, len(self.ids))
        pairs = zip(shuffled[::2], shuffled[1::2], strict=True)
        return {sender: [self._transfer(sender, receiver) for _ in range(2)] for sender, receiver in pairs}

    def _transfer(self, sender: str, receiver: str) -> Sent:
        body = {"type": "Transfer", "from_account_id": sender, "to_account_id": receiver}
        return self._sent(sender, body | {"amount": self._random.randint(1, 400)})

    def _crossed(self) -> Phase:
        """Accounts send to each other in any order: only what they can afford whatever else happens."""
        able = {each for each, account in self.model.accounts.items() if _spare(account) >= CROSSING}
        return {each: [self._crossing(each, each in able) for _ in range(CROSSING)] for each in self.ids}

    def _crossing(self, account_id: str, able: bool) -> Sent:
        """A transfer to any account of the same currency; or else a credit."""
        currency = self.model.accounts[account_id].currency
        others = [each for each in self.ids if each != account_id and self.model.accounts[each].currency == currency]
        body: dict[str, Any] = {"type": "CreditAccount", "amount": 50}
        if able:
            receiver = self._random.choice(others)
            body = {"type": "Transfer", "from_account_id": account_id, "to_account_id": receiver, "amount": 1}
        return Sent(body, End(self._sent(account_id, body).end.status))

    def _closing(self, account_id: str) -> list[Sent]:
        """Bring the balance to zero and close; an account that has nothing gets something, and cannot be closed."""
        balance = self.model.accounts[account_id].balance
        kind = "WithdrawFromAccount" if balance > 0 else "CreditAccount"
        bodies: list[dict[str, Any]] = [{"type": kind, "amount": abs(balance) or 1}, {"type": "CloseAccount"}]
        return [self._sent(account_id, body) for body in bodies]


def _spare(account: Account) -> int:
    return account.balance + account.overdraft_limit
