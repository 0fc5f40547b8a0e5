"""`daybook projections retry`: stopped accounts go on, by the deployed projector itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import ExitStatus, UnavailableError, plain
from cli.output import Outcome, counted
from cli.progress import Steps
from cli.projections.executions import told
from cli.projections.models import Model
from cli.projections.request import Request
from cli.projections.stopped import StoppedAccount, stopped_account, stopped_accounts, stopped_text

BATCH: Final = 25
"""Accounts of one invocation. An account has to be folded on from where it stopped within the function's time."""

ALIAS: Final = "live"
"""The alias of the projector that the stream's mapping invokes, too."""


class Retried(msgspec.Struct, frozen=True, tag_field="action", tag="retry"):
    """The accounts afterwards."""

    accounts: list[RetriedAccount]


class RetriedAccount(msgspec.Struct, frozen=True):
    """An account: the version of the last event that counts in the live generation, and where it is still stopped."""

    account_id: str
    version: int
    stopped: list[StoppedAccount]


def run(request: Request) -> Outcome:
    """Print how each account stands afterwards. Raises UnavailableError, whose data is what was done until then."""
    model = request.model
    accounts = _stopped(model) if request.everything else list(dict.fromkeys(request.account_ids))
    if not accounts:
        request.output.line(f"{model.name}: no account is stopped")
    found: list[RetriedAccount] = []
    with Steps(f"Retrying accounts in {model.name}", len(accounts)) as steps:
        for first in range(0, len(accounts), BATCH):
            batch = accounts[first : first + BATCH]
            _invoke(model, batch, found)
            for each in _afterwards(model, batch):
                found.append(each)
                request.output.line(_line(each))
                steps.advance()
    return _ended(found, model)


def _stopped(model: Model) -> list[str]:
    """In any generation: the projector lets them go on in all."""
    return sorted({each.account_id for each in stopped_accounts(model, model.control.read())})


def _invoke(model: Model, accounts: Sequence[str], done: list[RetriedAccount]) -> None:
    event = msgspec.json.encode({"retry": list(accounts)})
    try:
        answer: Any = model.functions.invoke(
            FunctionName=model.projector, Qualifier=ALIAS, InvocationType="RequestResponse", Payload=event
        )
        payload = answer["Payload"].read()
    except (ClientError, BotoCoreError) as error:
        raise UnavailableError(
            f"The projector could not be invoked: {plain(error)}. Repeating the command is safe.", data=Retried(done)
        ) from error
    if answer.get("FunctionError"):
        cause = told("", payload.decode(errors="replace"))
        raise UnavailableError(f"The projector failed: {cause}. Repeating the command is safe.", data=Retried(done))


def _afterwards(model: Model, accounts: Sequence[str]) -> list[RetriedAccount]:
    """From the rows themselves, of all generations."""
    control = model.control.read()
    rows = {number: model.rows.rows(number, accounts) for number in control.generations}
    stopped: dict[str, list[StoppedAccount]] = {each: [] for each in accounts}
    for number, found in rows.items():
        for each, row in found.items():
            if row.gate.stopped:
                stopped[each].append(stopped_account(number, row))
    live = rows.get(control.live, {})
    return [RetriedAccount(each, live[each].gate.version if each in live else 0, stopped[each]) for each in accounts]


def _line(account: RetriedAccount) -> str:
    if account.stopped:
        return stopped_text(account.stopped[0])
    return f"{account.account_id}  goes on: version {account.version}"


def _ended(found: list[RetriedAccount], model: Model) -> Outcome:
    left = sum(bool(each.stopped) for each in found)
    if not left:
        return Outcome(Retried(found))
    sentence = f"{counted(left, 'account')} of {len(found):,} in {model.name} did not go on."
    return Outcome(Retried(found), ExitStatus.FINDING, sentence)
