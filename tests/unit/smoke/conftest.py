"""The steps on the whole API, on a port of this machine, whose answers a test may change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from botocore.credentials import Credentials

from lambdas.httpapi.requests import ANONYMOUS
from lambdas.smoke.account import TriedAccount
from lambdas.smoke.api import Api
from lambdas.smoke.steps import StepResult, run_steps
from tests.support.clocks import TickingClock
from tests.support.whole_api import WholeApi, served
from tests.unit.httpapi.suite.api import Answer, Call

RUN = "smoke-1"
CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "session-token")

Change = Callable[[Call, Answer], Answer]


@dataclass
class Tried:
    """The API under the steps. `change` replaces answers; `calls` are all requests as they arrived."""

    api: WholeApi
    url: str
    change: Change = lambda _, answer: answer
    calls: list[Call] = field(default_factory=list)

    def account(self, opening_key: str = "smoke-day", run: str = RUN, patience: float = 60.0) -> TriedAccount:
        """The steps' account; a stored command is carried out when the steps wait for it."""
        times = iter(range(10_000))
        api = Api(self.url, credentials=CREDENTIALS, region="eu-central-1", correlation_id=run)
        return TriedAccount(
            api,
            opening_key=opening_key,
            run=run,
            patience=patience,
            monotonic=lambda: float(next(times)),
            sleep=lambda _: self.api.carry_out(),
        )

    def run(self, run: str = RUN) -> dict[str, StepResult]:
        """All steps, by name."""
        return {each.name: each for each in run_steps(self.account(run=run).steps())}


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tried]:
    with served(monkeypatch, test_callers=ANONYMOUS, clock=TickingClock()) as (api, url):
        found, answer = Tried(api, url), api.answer

        def changed(call: Call) -> Answer:
            found.calls.append(call)
            return found.change(call, answer(call))

        monkeypatch.setattr(api, "answer", changed)
        yield found
