"""Reads the account of a run from the read model behind `GET /accounts`, as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from lambdas.contracts.http import Account, AccountList, AccountSummary
from lambdas.contracts.operations import OPERATIONS
from lambdas.contracts.problems import VERSION_NOT_REACHED
from lambdas.smoke.api import Answer, Api, RefusedError
from lambdas.smoke.steps import StepFailedError

PATIENCE_SECONDS: Final = 60.0
"""How long an event may take from the ledger into a read model. It is there within seconds."""

_POLL_SECONDS = 0.5
_LIST: Final = next(each for each in OPERATIONS if each.operation_id == "listAccounts")


class AccountListing:
    """Asks for an account by its id, and at least at a version that is known."""

    def __init__(
        self,
        api: Api,
        *,
        patience: float = PATIENCE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = api
        self._patience = patience
        self._monotonic = monotonic
        self._sleep = sleep

    def find(self, known: Account) -> str:
        """What is listed of the account. Raises StepFailedError for what is older, or differs at the same version."""
        answer = self._listed(known)
        listed = answer.read(AccountList).accounts
        if len(listed) != 1 or not _fits(listed[0], known):
            found = [(each.account_id, each.version, each.balance) for each in listed]
            raise StepFailedError(
                f"{answer.route} answered {answer.status}, and not what is right",
                f"it lists {found}, and not version {known.version} with balance {known.balance}",
                "`daybook projections compare account_summaries`",
            )
        lag = answer.headers.get("daybook-lag", "not measured yet")
        return f"version {listed[0].version}, balance {listed[0].balance}; lag {lag}"

    def _listed(self, known: Account) -> Answer:
        query = {"ids": known.account_id, "min_version": str(known.version)}
        deadline = self._monotonic() + self._patience
        while True:
            try:
                return self._api.call(_LIST, query=query)
            except RefusedError as error:
                if error.code != VERSION_NOT_REACHED.code:
                    raise
                if self._monotonic() > deadline:
                    raise StepFailedError(
                        f"version {known.version} of {known.account_id} was looked for in the read model",
                        f"it did not come within {self._patience:.0f} seconds",
                        "`daybook projections status`, and the projector's alarms and log",
                    ) from None
            self._sleep(_POLL_SECONDS)


def _fits(listed: AccountSummary, known: Account) -> bool:
    """Whether it is that account, as it is known or later."""
    is_later = listed.version > known.version
    return listed.account_id == known.account_id and (
        is_later or (listed.version, listed.balance) == (known.version, known.balance)
    )
