"""What the deployed functions write as metrics, from their own handlers, in CloudWatch's embedded metric format.

Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format". What a handler calls is replaced, and
each way in which one of them counts is gone once; how it counts, and what it writes, is its own.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple, cast

import pytest
from msgspec.structs import replace

from lambdas.eventsourcing.errors import ContentionError, NotAppliedError, ReadUnavailableError
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.inbox.results import Processed
from lambdas.projections.lag import Lag
from lambdas.projections.rebuild import Done
from lambdas.projections.registry import PROJECTIONS
from lambdas.projections.stream.consumer import Consumed
from lambdas.projections.stream.measuring import Measured
from lambdas.projections.stream.projector import Taking
from lambdas.publishing.kinesis import Sent
from lambdas.publishing.publisher import Published as Events
from lambdas.reporting.report import Published as Reports
from lambdas.smoke.account import TriedAccount
from lambdas.smoke.api import Api
from lambdas.smoke.steps import Step
from lambdas.transparency.findings import Sealed
from tests.support.event_rows import account_id
from tests.support.function_variables import (
    ACCOUNTS,
    EVERY_FUNCTION,
    LAG,
    PROJECTION,
    PUBLISHER,
    REPORTS,
    SEALER,
    VERIFICATION,
)
from tests.support.lambda_context import Context
from tests.unit.httpapi.suite.api import Call
from tests.unit.httpapi.suite.in_process import in_process_api, proxy_event

PARKED = {"detail": {"bucket": {"name": "parking"}, "object": {"key": "aws/lambda/one"}}}


class Emitted(NamedTuple):
    """A metric as CloudWatch knows it: `dimensions` are names and values."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


def emitted(lines: Iterable[str]) -> Iterator[Emitted]:
    """Every metric of lines in the embedded format, under each of its sets of dimensions."""
    for line in lines:
        document = json.loads(line) if '"_aws"' in line else {"_aws": {"CloudWatchMetrics": []}}
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for metric in directive["Metrics"]:
                assert metric["Name"] in document, "a metric without a value is none"
                for names in directive["Dimensions"]:
                    where = frozenset((name, document[name]) for name in names)
                    yield Emitted(directive["Namespace"], metric["Name"], where)


def run_every_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call every handler until it has written all it can."""
    region = {"AWS_DEFAULT_REGION": EVERY_FUNCTION["AWS_REGION"], "API_URL": "https://api.invalid/v1"}
    everything = ACCOUNTS, PUBLISHER, REPORTS, PROJECTION, LAG, SEALER, VERIFICATION
    for name, value in {**region, **{name: value for each in everything for name, value in each.items()}}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("aws_lambda_powertools.metrics.provider.cold_start.is_cold_start", True)
    _run_api(monkeypatch)
    _run_processor(monkeypatch)
    _run_failures(monkeypatch)
    _run_publisher(monkeypatch)
    _run_report(monkeypatch)
    _run_canary(monkeypatch)
    _run_projector(monkeypatch)
    _run_rebuild(monkeypatch)
    _run_lag(monkeypatch)
    _run_sealer(monkeypatch)
    _run_verification(monkeypatch)


def _handler(name: str) -> ModuleType:
    return importlib.import_module(f"lambdas.handlers.{name}")


def _clock_off(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
    monkeypatch.setattr(module, "_clock", SimpleNamespace(error=lambda: 10.0))


def _call(method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> Call:
    text = None if body is None else json.dumps(body).encode()
    return Call(method, path, headers=tuple({"Content-Type": "application/json", **headers}.items()), body=text)


def _run_api(monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/accounts/{account_id(1)}"
    opening = _call("POST", "/accounts", {"currency": "EUR"}, **{"Idempotency-Key": "one"})
    api = in_process_api(monkeypatch, store=InMemoryEventStore())
    _clock_off(monkeypatch, api.module)
    for _ in range(2):  # accepted, and replayed
        assert api.exchange(opening).status == 201
    assert api.exchange(_call("POST", f"{path}/credit", {"amount": 1})).status == 404
    for error, call, status in (
        (ContentionError(["one"], 10), _call("POST", f"{path}/credit", {"amount": 1}), 409),
        (NotAppliedError("away"), _call("POST", f"{path}/credit", {"amount": 1}), 503),
        (ReadUnavailableError("away"), _call("GET", path), 503),
        (ZeroDivisionError("unforeseen"), _call("GET", path), 500),
    ):
        service = SimpleNamespace(execute=_raising(error), account=_raising(error))
        proofs = api.module.ProofRoutes(_raising(error))
        read_models = SimpleNamespace(list_accounts=_raising(error), get_totals=_raising(error))
        routes = api.module.AccountsApi(service, read_models, proofs, expected=None).routes()
        monkeypatch.setattr(api.module, "_application", api.module.Application(routes))
        assert api.module.handler(proxy_event(call), Context())["statusCode"] == status


def _raising(error: Exception) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def _run_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    module = _handler("command_processor")
    _clock_off(monkeypatch, module)
    monkeypatch.setattr(module, "_processor", SimpleNamespace(process=lambda *_: Processed()))
    module.handler({"Records": []}, Context())


def _run_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    module = _handler("command_failures")
    monkeypatch.setattr(module, "_parked", lambda *_: SimpleNamespace(commands=[], malformed=[]))
    monkeypatch.setattr(module, "mark_all", lambda *_: SimpleNamespace(failed=[], differing=[], unmarked=[]))
    module.handler(PARKED, Context())


def _run_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    module = _handler("event_publisher")
    published = Events(Sent(events=0, unsent=()), [], [])
    monkeypatch.setattr(module, "_publisher", SimpleNamespace(publish=lambda *_: published))
    module.handler({"Records": []}, Context())


def _run_report(monkeypatch: pytest.MonkeyPatch) -> None:
    module = _handler("daily_report")
    monkeypatch.setattr(module, "publish_all", lambda *_: Reports(files=(), missing=0))
    module.handler({"date": "2026-11-21"}, Context())


def _run_canary(monkeypatch: pytest.MonkeyPatch) -> None:
    module = _handler("canary")
    real = TriedAccount(cast("Api", None), opening_key="one", run="one")
    account = SimpleNamespace(
        account_id="", steps=lambda: [Step(name=each.name, check=lambda: "well") for each in real.steps()]
    )
    monkeypatch.setattr(module, "deployed_account", lambda *_, **__: account)
    module.handler({}, Context())


def _run_projector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each projection has a function of its own."""
    module = _handler("projector")
    consumed = Consumed(taking=Taking(live=1), unattributable=[], ignored=0)
    consumer = SimpleNamespace(take=lambda *_: consumed)
    monkeypatch.setattr(module, "_deployed", SimpleNamespace(consumer=consumer))
    for each in PROJECTIONS:
        monkeypatch.setattr(module, "_settings", replace(module._settings, projection=each.name))
        module.handler({"Records": []}, Context())


def _run_rebuild(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each projection has a function of its own here, too."""
    module = _handler("projection_rebuild")
    monkeypatch.setattr(module, "_rebuild", SimpleNamespace(settle=lambda *_: Done(done=True)))
    for each in PROJECTIONS:
        monkeypatch.setattr(module, "_settings", replace(module._settings, projection=each.name))
        module.handler({"step": "settle", "generation": 1, "rebuild": "one"}, Context())


def _run_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    module = _handler("ledger_verification")
    report = SimpleNamespace(accounts=1, events=1, counts={"lake": 1}, findings=[], unchecked={})
    settled = SimpleNamespace(done=True, rows=0, report=report)
    monkeypatch.setattr(module, "deployed_verification", lambda _: SimpleNamespace(settle=lambda *_: settled))
    assert module.handler({"step": "settle", "rebuild": "run", "generation": 0}, Context())["done"]


def _run_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    module = _handler("projection_lag")
    lag = Lag(events=0, seconds=0.0, measured_at="2026-03-01T12:00:00.000Z")
    monkeypatch.setattr(module, "measure_all", lambda *_: [Measured(each.name, lag) for each in PROJECTIONS])
    module.handler({}, Context())


def _run_sealer(monkeypatch: pytest.MonkeyPatch) -> None:
    module = _handler("sealer")
    sealed = Sealed((), 0, 0, "", "", "", (), 0, 0, (), 0, complete=True)
    sealer = SimpleNamespace(run=lambda **_: sealed)
    monkeypatch.setattr(module, "deployed_sealer", lambda _: nullcontext(sealer))
    module.handler({}, Context())
