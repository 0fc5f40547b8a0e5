"""`daybook trace` on the deployed system: requests of each kind, followed by their correlation ids to the lake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cli.app import main
from local.machine.environment import Environment
from tests.e2e.waiting import eventually
from tests.support.envelopes import check
from tests.unit.httpapi.suite.over_http import HttpApi

ORDER = ["event", "request", "stream", "publisher", "lake"]
Stages = list[dict[str, Any]]


class Tracing:
    """The API, and the stages of a trace of what was asked of it."""

    def __init__(self, environment: Environment, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.api = HttpApi(url=environment.api_url, common_headers=environment.headers)
        self._file, self._capsys = str(file), capsys

    def sent(self, path: str, body: dict[str, Any], status: int, **headers: str) -> tuple[str, Any]:
        """Post under a correlation id of its own; that and the answer's document."""
        name = f"trace-{uuid4()}"
        answer = self.api.post(path, body, {"X-Correlation-Id": name} | headers)
        assert answer.status == status
        assert answer.headers["x-correlation-id"] == name
        return name, answer.json()

    def opened(self, balance: int = 100) -> str:
        return self.api.open(balance=balance)

    def trace(self, name: str, *words: str) -> Stages:
        """All stages now."""
        self._capsys.readouterr()
        main(["trace", name, "--environment-file", self._file, "--json", "--since", "1h", *words])
        document = json.loads(self._capsys.readouterr().out)
        check("trace", document)
        stages: Stages = document["data"]["stages"]
        return stages

    def whole(self, name: str, rows: int) -> Stages:
        """The stages once that many rows are in the lake."""

        def found() -> Stages | None:
            stages = self.trace(name)
            there = [each for each in stages if each["stage"] == "lake" and each["found"]]
            return stages if len(there) == rows and self._published(stages) == rows else None

        stages: Stages = eventually(found, f"{rows} rows of {name} in the lake", every=1.0)
        return stages

    @staticmethod
    def _published(stages: Stages) -> int:
        """The publisher writes its line after the lake may have the event already."""
        return sum(each["stage"] == "publisher" for each in stages)


@pytest.fixture
def tracing(environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tracing:
    file = tmp_path / "environment.json"
    environment.save(file)
    return Tracing(environment, file, capsys)


def of(stages: Stages, stage: str, member: str = "where") -> list[Any]:
    return [each[member] for each in stages if each["stage"] == stage]


def test_a_synchronous_command(tracing: Tracing) -> None:
    account_id = tracing.opened()
    name, _ = tracing.sent(f"/accounts/{account_id}/credit", {"amount": 5}, 200)
    stages = tracing.whole(name, 1)
    assert sorted(each["stage"] for each in stages) == sorted(ORDER)
    assert all(each["found"] for each in stages)
    assert of(stages, "event") == [f"{account_id}/3"]
    assert of(stages, "request", "what") == ["POST /accounts/{account_id}/credit answered 200"]
    (trace_id,) = of(stages, "request", "xray_trace_id")
    assert trace_id.startswith("1-")
    times = [each["milliseconds"] for each in stages if each["time"]]
    assert times == sorted(times)
    assert times[0] == 0


def test_a_transfer(tracing: Tracing) -> None:
    sender, receiver = tracing.opened(), tracing.opened()
    name, _ = tracing.sent("/transfers", {"from_account_id": sender, "to_account_id": receiver, "amount": 5}, 201)
    stages = tracing.whole(name, 2)
    assert sorted(of(stages, "event")) == sorted([f"{sender}/3", f"{receiver}/3"])
    assert len(of(stages, "stream")) == len(of(stages, "publisher")) == 2
    assert all(each["found"] for each in stages)


def test_a_stored_command(tracing: Tracing) -> None:
    account_id = tracing.opened()
    body, key = {"type": "CreditAccount", "amount": 5}, str(uuid4())
    name, _ = tracing.sent(f"/accounts/{account_id}/commands", body, 202, **{"Idempotency-Key": key})
    stages = tracing.whole(name, 1)
    assert sorted(each["stage"] for each in stages) == sorted(["stored", "processor", *ORDER[:1], *ORDER[2:]])
    assert of(stages, "stored") == [f"{account_id} anonymous/{key}"]
    assert of(stages, "processor", "what") == ["command ended as SUCCEEDED"]
    assert [each["found"] for each in stages] == [True] * 6
    assert of(tracing.trace(name, "--account", account_id), "stored") == of(stages, "stored")


@pytest.mark.parametrize("stored", [False, True], ids=["synchronous", "stored"])
def test_a_refused_command(tracing: Tracing, stored: bool) -> None:
    account_id = tracing.opened(balance=1)
    if stored:
        body: dict[str, Any] = {"type": "WithdrawFromAccount", "amount": 5}
        name, _ = tracing.sent(f"/accounts/{account_id}/commands", body, 202)
    else:
        name, _ = tracing.sent(f"/accounts/{account_id}/withdraw", {"amount": 5}, 422)
    stage, why = ("processor", "the command ended as REJECTED") if stored else ("request", "the request was refused")
    said: list[str] = eventually(lambda: of(tracing.trace(name), stage, "what"), f"a line about {name}", every=1.0)
    assert "(insufficient-funds)" in said[0]
    assert of(tracing.trace(name), "event", "what") == [f"not found ({why})"]


def test_a_read(tracing: Tracing) -> None:
    account_id, name = tracing.opened(), f"trace-{uuid4()}"
    assert tracing.api.get(f"/accounts/{account_id}", {"X-Correlation-Id": name}).status == 200
    stages: Stages = eventually(lambda: tracing.trace(name), f"a line about {name}", every=1.0)
    assert [each["what"] for each in stages] == [
        "GET /accounts/{account_id} answered 200", "not found (a read appends none)"
    ]  # fmt: skip
