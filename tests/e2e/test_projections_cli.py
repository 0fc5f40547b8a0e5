"""`daybook projections` on the deployed read models: what an operator does, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.read_model import AccountRow, Gate
from local.example.client import Client
from local.machine.environment import Environment
from tests.e2e.read_models import PROJECTIONS, SUMMARIES, TOTALS
from tests.e2e.rebuilding import ReadModels
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.alone


@pytest.fixture
def models(environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> ReadModels:
    """Both read models, each with a live generation that stands alone."""
    file = tmp_path / "environment.json"
    environment.save(file)
    models = ReadModels(environment, file, capsys)
    for name in PROJECTIONS:
        models.alone(name)
    return models


@pytest.fixture
def account(environment: Environment, models: ReadModels) -> str:
    """An account with two events, which both read models have."""
    client = Client(environment)
    account_id = str(client.post("/accounts", {"currency": "ISK"}, expected=201).body["account_id"])
    client.post(f"/accounts/{account_id}/credit", {"amount": 5}, expected=200)
    client.close()
    for name in PROJECTIONS:
        eventually(lambda name=name: version_of(models, name, account_id) == 2, f"{name} to have the account")  # type: ignore[misc]
    return account_id


def row_of(models: ReadModels, name: str, account_id: str, generation: int = 0) -> AccountRow[Any]:
    return models.table(name).load(generation or models.control(name).live, account_id, Deadline())


def version_of(models: ReadModels, name: str, account_id: str) -> int:
    return row_of(models, name, account_id).gate.version


def test_there_and_back(models: ReadModels, account: str) -> None:
    """A generation beside the live one takes events, is switched to and back, and is dropped with all of its rows."""
    first = models.control(TOTALS).live
    assert models.run("rebuild", TOTALS, "--yes")["rebuilds"][0]["progress"]["state"] == "built"
    second = models.control(TOTALS).newest
    assert models.run("compare", TOTALS)["compared"]["differences"] == {}
    status, refused = models.attempt("rebuild", TOTALS, "--yes")
    assert (status, f"Generation {second} is built" in refused) == (1, True)
    assert models.run("switch", TOTALS)["standing"]["live"] == second
    assert row_of(models, TOTALS, account, second).gate == row_of(models, TOTALS, account, first).gate
    assert models.run("rollback", TOTALS)["standing"]["live"] == first
    dropped = models.run("drop", TOTALS, "--yes")
    assert (dropped["generation"], dropped["standing"]["previous"]) == (second, 0)
    assert dropped["rows"] >= 1
    assert row_of(models, TOTALS, account, second) == AccountRow(account)
    assert models.run("drop", TOTALS, "--yes")["rows"] == 0
    assert models.run("compare", TOTALS)["compared"]["generation"] == first


def test_a_stopped_account_is_named_and_goes_on(models: ReadModels, account: str) -> None:
    """It is stopped by hand: as if the release that could not read its second event had folded the first."""
    table, generation = models.table(SUMMARIES), models.control(SUMMARIES).live
    row = row_of(models, SUMMARIES, account)
    gate = Gate(row.gate.version, row.gate.rowhash, row.gate.recordedtime, "It is poison.")
    table.save(generation, row, AccountRow(account, gate, row.kept), {}, Deadline())
    status, said = models.attempt("status", SUMMARIES)
    stopped = {each["account_id"]: each["reason"] for each in json.loads(said)["data"]["projections"][0]["stopped"]}
    assert (status, stopped[account]) == (1, "It is poison.")  # rows that other tests spoilt have stopped others
    assert models.run("retry", SUMMARIES, account)["accounts"] == [{"account_id": account, "version": 2, "stopped": []}]
    _, said = models.attempt("status", SUMMARIES)
    assert account not in said
    assert row_of(models, SUMMARIES, account) == row


def test_what_somebody_has_changed_is_found(models: ReadModels, account: str) -> None:
    table, generation = models.table(SUMMARIES), models.control(SUMMARIES).live
    row = row_of(models, SUMMARIES, account)
    spoilt = Gate(row.gate.version, "0" * len(row.gate.rowhash), row.gate.recordedtime)
    table.save(generation, row, AccountRow(account, spoilt, row.kept), {}, Deadline())
    status, said = models.attempt("compare", SUMMARIES)
    (found,) = json.loads(said)["data"]["compared"]["first"]
    assert (status, found["kind"], found["subject"]) == (1, "gate", account)
    table.save(generation, AccountRow(account, spoilt, row.kept), row, {}, Deadline())
    assert models.run("compare", SUMMARIES)["compared"]["differences"] == {}


def test_a_rebuild_that_runs_refuses_another_by_its_name(models: ReadModels) -> None:
    started = models.run("rebuild", SUMMARIES, "--yes", "--no-wait")
    first = started["rebuilds"][0]["progress"]["rebuild"]
    status, refused = models.attempt("rebuild", SUMMARIES, "--yes")
    if (
        models.control(SUMMARIES).building and "stands beside" not in refused
    ):  # it may have been quicker than the second
        assert (status, f"The rebuild {first} is under way" in refused) == (1, True)
    eventually(lambda: models.run("list")["projections"][0]["standing"]["state"] == "built", "the end of the rebuild")
    models.run("drop", SUMMARIES, "--yes")
