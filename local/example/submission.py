"""Commands that are stored first and processed later: submitted over HTTP, then followed to their end."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

from local.example.client import Client
from local.machine.errors import ExampleFailedError

PENDING = "PENDING"
COMMANDS: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"type": "OpenAccount", "currency": "EUR"}, {"status": "SUCCEEDED", "version": 1, "balance": 0}),
    ({"type": "CreditAccount", "amount": 60}, {"status": "SUCCEEDED", "version": 2, "balance": 60}),
    ({"type": "WithdrawFromAccount", "amount": 100}, {"status": "REJECTED"}),
)
"""Bodies of commands, and what their outcomes must hold."""

_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Followed:
    """A submitted command: the Location that the gateway answered, and each new answer found there."""

    command: dict[str, Any]
    location: str
    answers: list[dict[str, Any]]

    @property
    def end(self) -> dict[str, Any]:
        """The last answer."""
        return self.answers[-1]


def submit_and_follow(client: Client, *, patience: float = _PATIENCE_SECONDS) -> tuple[str, list[Followed]]:
    """Open an account with a chosen id, credit, withdraw too much. Gives id and commands; raises ExampleFailedError."""
    account_id = str(uuid.uuid4())
    followed = []
    for command, expected in COMMANDS:
        followed.append(_follow(client, account_id, command, patience))
        _check(followed[-1], expected)
    return account_id, followed


def _follow(client: Client, account_id: str, command: dict[str, Any], patience: float) -> Followed:
    """Location is relative to the URL that was posted to, as in any HTTP answer."""
    path = f"/accounts/{account_id}"
    accepted = client.post(f"{path}/commands", command, expected=202)
    location = f"{path}/{accepted.headers.get('location', '')}"
    answers = [accepted.body]
    deadline = time.monotonic() + patience
    while answers[-1].get("status") == PENDING:
        if time.monotonic() > deadline:
            raise ExampleFailedError(f"{location} is still PENDING after {patience:.0f} seconds; see `make logs`.")
        found = client.get(location).body
        if len(answers) == 1 or found != answers[-1]:
            answers.append(found)
        time.sleep(_POLL_SECONDS)
    return Followed(command, location, answers)


def _check(followed: Followed, expected: dict[str, Any]) -> None:
    found = {name: followed.end.get(name) for name in expected}
    if found != expected:
        raise ExampleFailedError(f"The end of {followed.command['type']} is {found}, and it must be {expected}.")
