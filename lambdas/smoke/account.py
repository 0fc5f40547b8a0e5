"""The steps on one account in the test currency: what a caller does with the API, each checked against the others.

Money in and out is equal, so an account on which all steps went well is at zero again. Other runs may book on the same
account meanwhile: no step expects that the next version is its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from msgspec import UNSET

from lambdas.accounts.commands import CreditAccount, OpenAccount, WithdrawFromAccount
from lambdas.accounts.money import TEST_CURRENCY
from lambdas.contracts.asynchronous_operations import GET_COMMAND, SUBMIT_COMMAND
from lambdas.contracts.http import Account, CommandAccepted, CommandStatus
from lambdas.contracts.operations import OPERATIONS, Operation, operation_of
from lambdas.smoke.api import Answer, Api
from lambdas.smoke.steps import Step, StepFailedError

PAID_IN: Final = 100
TAKEN_OUT: Final = 60
TAKEN_OUT_LATER: Final = PAID_IN - TAKEN_OUT
PENDING: Final = "PENDING"
SUCCEEDED: Final = "SUCCEEDED"
PATIENCE_SECONDS: Final = 60.0
"""How long a stored command may take to its end. A deployed processor starts within seconds."""

_POLL_SECONDS = 0.25
_OPEN, _CREDIT, _WITHDRAW = (operation_of(each) for each in (OpenAccount, CreditAccount, WithdrawFromAccount))
_GET: Final = next(each for each in OPERATIONS if each.operation_id == "getAccount")

USED: Final = (_OPEN, _CREDIT, _WITHDRAW, _GET, SUBMIT_COMMAND, GET_COMMAND)
"""All operations that the steps call: what a role needs that does nothing else."""


class TriedAccount:
    """One account, and what the steps so far have been told of it.

    `opening_key` decides which account it is: repeated, it opens no second one. `run` is part of all other keys, so it
    is new for every run. What the steps learned can be read after they ran: `account_id`, `credited`, `withdrawn`.
    """

    account_id: str
    credited: Account
    withdrawn: Account

    def __init__(
        self,
        api: Api,
        *,
        opening_key: str,
        run: str,
        patience: float = PATIENCE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = api
        self._opening_key = opening_key
        self._run = run
        self._patience = patience
        self._monotonic = monotonic
        self._sleep = sleep
        self._credit_answer: Answer | None = None

    def steps(self) -> list[Step]:
        """The steps, in their order."""
        return [
            Step(name="open", check=self.open),
            Step(name="credit", check=self.credit, needs=("open",)),
            Step(name="withdraw", check=self.withdraw, needs=("credit",)),
            Step(name="read", check=self.read, needs=("withdraw",)),
            Step(name="version", check=self.read_version, needs=("withdraw",)),
            Step(name="moment", check=self.read_moment, needs=("withdraw",)),
            Step(name="replay", check=self.replay, needs=("credit",)),
            Step(name="stored command", check=self.store_command, needs=("withdraw",)),
        ]

    def open(self) -> str:
        """Open the account, or find that it was opened before under the same key."""
        answer = self._api.call(_OPEN, body={"currency": TEST_CURRENCY}, key=self._opening_key)
        account = answer.read(Account)
        self.account_id = account.account_id
        first = (account.status, account.currency, account.balance, account.version)
        _expect(answer, first == ("open", TEST_CURRENCY, 0, 1), f"an account that was just opened is not {account}")
        return f"{account.account_id}, {'opened before' if _is_replay(answer) else 'opened now'}"

    def credit(self) -> str:
        """Pay money in."""
        answer = self._book(_CREDIT, PAID_IN, "credit")
        self._credit_answer, self.credited = answer, answer.read(Account)
        _expect(answer, self.credited.version > 1, f"the version after a credit is {self.credited.version}")
        return f"version {self.credited.version}, balance {self.credited.balance}"

    def withdraw(self) -> str:
        """Take a part of it out."""
        answer = self._book(_WITHDRAW, TAKEN_OUT, "withdraw")
        self.withdrawn = answer.read(Account)
        before, after = self.credited, self.withdrawn
        _expect(answer, after.version > before.version, f"version {after.version} came after {before.version}")
        if after.version == before.version + 1:
            right = before.balance - TAKEN_OUT
            _expect(answer, after.balance == right, f"the balance is {after.balance}, and must be {right}")
        return f"version {after.version}, balance {after.balance}"

    def read(self) -> str:
        """Read the account: not older than the last answer."""
        answer = self._get()
        account, known = answer.read(Account), self.withdrawn
        _expect(answer, account.version >= known.version, f"version {account.version} is older than {known.version}")
        _expect(answer, account.version > known.version or account == known, f"{account} is not {known}")
        _expect(answer, answer.headers.get("etag") == f'"{account.version}"', "ETag is not the version")
        return f"version {account.version}, balance {account.balance}"

    def read_version(self) -> str:
        """Read the account as it was at the version of the credit, and just before: it paid in what it should."""
        answer = self._get({"version": str(self.credited.version)})
        account = answer.read(Account)
        _expect(answer, account == self.credited, f"{account} is not the credit's answer, {self.credited}")
        self._expect_change(answer, account.version, account.balance, PAID_IN)
        return f"balance {account.balance} at version {account.version}"

    def read_moment(self) -> str:
        """Read the account as it was when the credit was booked; other events of that millisecond count, too."""
        moment = self.credited.updated_at
        answer = self._get({"at": moment})
        account = answer.read(Account)
        fits = account == self.credited or (account.version > self.credited.version and account.updated_at == moment)
        _expect(answer, fits, f"{account} is not the credit's answer, {self.credited}")
        return f"balance {account.balance} at {moment}"

    def replay(self) -> str:
        """Send the credit again under its key: it gets the first answer, and nothing is booked."""
        answer = self._book(_CREDIT, PAID_IN, "credit")
        first = self._credit_answer
        _expect(answer, _is_replay(answer), "Idempotent-Replayed is missing: the credit was booked twice")
        _expect(answer, first is not None and answer.body == first.body, "the answer differs from the first one")
        return "the first answer again"

    def store_command(self) -> str:
        """Hand a withdrawal over, and follow it to its end: it took out what it should."""
        body = {"type": WithdrawFromAccount.__name__, "amount": TAKEN_OUT_LATER}
        began = self._monotonic()
        answer = self._api.call(SUBMIT_COMMAND, path=self._path, body=body, key=self._key("stored"))
        accepted = answer.read(CommandAccepted)
        status = self._followed(accepted.command_id, began + self._patience)
        if status.status != SUCCEEDED:
            raise StepFailedError(
                f"the stored command {accepted.command_id} ended as {status.status}",
                _told_of(status),
                "docs/commands.md: FAILED is retried with `daybook redrive`, and the processor's log says why",
            )
        took = self._monotonic() - began
        if status.version is UNSET or status.balance is UNSET:
            raise StepFailedError("the outcome of a stored command is not whole", str(status), "the API's release")
        self._expect_change(answer, status.version, status.balance, -TAKEN_OUT_LATER)
        return f"{SUCCEEDED} after {took:.1f} s, version {status.version}"

    @property
    def _path(self) -> dict[str, str]:
        return {"account_id": self.account_id}

    def _key(self, name: str) -> str:
        return f"{self._run}-{name}"

    def _book(self, operation: Operation, amount: int, name: str) -> Answer:
        return self._api.call(operation, path=self._path, body={"amount": amount}, key=self._key(name))

    def _get(self, query: dict[str, str] | None = None) -> Answer:
        return self._api.call(_GET, path=self._path, query=query)

    def _expect_change(self, answer: Answer, version: int, balance: int, amount: int) -> None:
        """Hold the balance at a version against the one before: no other run's event lies between the two."""
        right = self._get({"version": str(version - 1)}).read(Account).balance + amount
        _expect(answer, balance == right, f"the balance at version {version} is {balance}, and must be {right}")

    def _followed(self, command_id: str, deadline: float) -> CommandStatus:
        """The end of a command. Raises StepFailedError when it is still PENDING at the deadline."""
        path = {**self._path, "command_id": command_id}
        while True:
            status = self._api.call(GET_COMMAND, path=path).read(CommandStatus)
            if status.status != PENDING:
                return status
            if self._monotonic() > deadline:
                raise StepFailedError(
                    f"the stored command {command_id} is still {PENDING}",
                    f"it had {self._patience:.0f} seconds",
                    "the processor of commands: its alarms, its event source mapping, its log",
                )
            self._sleep(_POLL_SECONDS)


def _told_of(status: CommandStatus) -> str:
    problem = status.problem
    return f"{problem.type}, {problem.detail or problem.title}" if problem else "its row has no problem"


def _is_replay(answer: Answer) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


def _expect(answer: Answer, fits: bool, otherwise: str) -> None:
    if not fits:
        raise StepFailedError(
            f"{answer.route} answered {answer.status}, and not what is right",
            otherwise,
            "the account's history: `daybook verify` with its id; a wrong answer here is a fault of the release",
        )
