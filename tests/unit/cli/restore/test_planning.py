"""`daybook restore plan`: what would happen, and that nothing does."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from cli.app import main
from cli.restore.clients import Clients
from tests.unit.cli.restore.world import AT, TIME, Connected, Functions, Stack, refused

WORDS = ["restore", "plan", "--env", "prod", "--at", TIME]


class Windows:
    """A DynamoDB that only tells how far back its tables go. Any other request would fail."""

    def __init__(self, **windows: tuple[datetime, datetime] | None) -> None:
        default = (AT - timedelta(days=35), AT + timedelta(minutes=1))
        self.windows: dict[str, tuple[datetime, datetime] | None] = dict.fromkeys(
            ("events", "receipts", "commands"), default
        )
        self.windows.update(windows)

    def describe_continuous_backups(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803
        if TableName not in self.windows:
            raise refused("TableNotFoundException")
        window = self.windows[TableName]
        if window is None:
            return {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED"}}
        names = ("EarliestRestorableDateTime", "LatestRestorableDateTime")
        return {
            "ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": dict(zip(names, window, strict=True))}
        }


@pytest.fixture
def windows(connected: Connected) -> Windows:
    found = Windows()
    connected.clients = Clients(found, Stack(), Functions())
    return found


def planned(connected: Connected, capsys: pytest.CaptureFixture[str], status: int = 0) -> dict[str, Any]:
    assert main([*WORDS, "--json"], connections=connected) == status
    data: dict[str, Any] = json.loads(capsys.readouterr().out)["data"]
    return data


def test_it_names_all_tables_and_what_is_put_back(
    connected: Connected, windows: Windows, capsys: pytest.CaptureFixture[str]
) -> None:
    found = planned(connected, capsys)
    assert (found["step"], found["generation"], found["restored_to"]) == ("plan", 2, TIME)
    assert [(each["name"], each["restored_name"]) for each in found["tables"]] == [
        ("events", "events-restored-2"),
        ("receipts", "receipts-restored-2"),
        ("commands", "commands-restored-2"),
    ]
    common = ["encryption by the ledger's key", "point-in-time recovery", "deletion protection"]
    common += ["tags environment, service"]
    stream, ttl = "stream of NEW_IMAGE", "expiry by expires_at"
    assert [sorted(each["settings"]) for each in found["tables"]] == [
        sorted([*common, stream, "resource policy"]),
        sorted([*common, ttl]),
        sorted([*common, stream, ttl]),
    ]
    assert found["tables"][0]["earliest"] == "2026-01-25T09:30:00Z"
    assert found["tables"][0]["latest"] == "2026-03-01T09:31:00Z"


def test_every_line_to_type_follows_in_its_order(
    connected: Connected, windows: Windows, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [each["command"] for each in planned(connected, capsys)["lines"]]
    assert lines == [
        "cdk deploy '**' -c env=prod -c writes=off",
        f"daybook restore run --env prod --at {TIME}",
        f"daybook restore check --env prod --at {TIME}",
        f"daybook restore mend --env prod --at {TIME}",
        f"daybook restore finish --env prod --at {TIME}",
        "",
        "cdk import 'Daybook-prod/Ledger' -c env=prod -c writes=off --force --resource-mapping restore-prod-2.json",
        "cdk deploy '**' -c env=prod -c writes=off",
        f"daybook restore announce --env prod --at {TIME}",
        "daybook redrive --env prod --pending-before 2026-03-01T09:30:01Z",
        "cdk deploy '**' -c env=prod -c rollout=at-once",
        "daybook reconcile --env prod --from 2026-03-01",
    ]
    assert main(WORDS, connections=connected) == 0
    printed = capsys.readouterr().out
    assert all(line in printed for line in lines)
    assert "ledger_generation=2" in printed


def test_every_line_of_this_command_is_for_the_same_region(
    connected: Connected, windows: Windows, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*WORDS, "--region", "eu-central-2"], connections=connected) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines() if line.strip().startswith("daybook ")]
    assert len(lines) == 7
    assert all("--env prod --region eu-central-2" in line for line in lines)


@pytest.mark.parametrize(
    "window",
    [
        (AT + timedelta(seconds=1), AT + timedelta(days=1)),
        (AT - timedelta(days=1), AT - timedelta(seconds=1)),
        None,
    ],
    ids=["too early", "too late", "no recovery"],
)
def test_one_table_that_cannot_go_back_that_far_is_a_finding(
    connected: Connected,
    windows: Windows,
    capsys: pytest.CaptureFixture[str],
    window: tuple[datetime, datetime] | None,
) -> None:
    windows.windows["receipts"] = window
    found = planned(connected, capsys, status=1)
    assert [each["restorable"] for each in found["tables"]] == [True, False, True]
    assert main(WORDS, connections=connected) == 1
    said = capsys.readouterr()
    assert "NOT TO THIS SECOND" in said.out


def test_a_table_that_was_deleted_is_a_finding(
    connected: Connected, windows: Windows, capsys: pytest.CaptureFixture[str]
) -> None:
    del windows.windows["commands"]
    found = planned(connected, capsys, status=1)
    assert [each["restorable"] for each in found["tables"]] == [True, True, False]


def test_the_borders_of_the_window_are_inside(connected: Connected, windows: Windows) -> None:
    windows.windows["events"] = (AT, AT)
    assert main(WORDS, connections=connected) == 0


def test_a_restored_ledger_can_be_restored_again(
    connected: Connected, windows: Windows, capsys: pytest.CaptureFixture[str]
) -> None:
    connected.clients.cloudformation.outputs["Daybook-prod-Ledger"]["LedgerGeneration"] = "2"
    found = planned(connected, capsys)
    assert found["generation"] == 3
    assert found["tables"][0]["restored_name"] == "events-restored-3"


@pytest.mark.parametrize(
    ("time", "reason"),
    [("2026-03-01T09:30:00.5Z", "whole second"), ("9999-01-01", "in the future"), ("yesterday", "is not a time")],
)
def test_a_time_that_no_table_can_be_restored_to_is_refused(
    connected: Connected, capsys: pytest.CaptureFixture[str], time: str, reason: str
) -> None:
    assert main(["restore", "plan", "--env", "prod", "--at", time], connections=connected) == 2
    assert reason in " ".join(capsys.readouterr().err.split())
    assert connected.opened_for == []


def test_a_time_with_an_offset_is_told_in_utc(
    connected: Connected, windows: Windows, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["restore", "plan", "--env", "prod", "--at", "2026-03-01T11:30:00+02:00", "--json"]
    assert main(words, connections=connected) == 0
    assert json.loads(capsys.readouterr().out)["data"]["restored_to"] == TIME


@pytest.mark.parametrize("step", ["pla", "", "plan run"])
def test_an_unknown_step_is_refused_with_the_steps_there_are(
    connected: Connected, capsys: pytest.CaptureFixture[str], step: str
) -> None:
    assert main(["restore", step, "--env", "prod", "--at", TIME], connections=connected) == 2
    assert "is not a step; there are plan" in capsys.readouterr().err


def test_an_older_stack_without_a_generation_is_named(
    connected: Connected, windows: Windows, capsys: pytest.CaptureFixture[str]
) -> None:
    del connected.clients.cloudformation.outputs["Daybook-prod-Ledger"]["LedgerGeneration"]
    assert main(WORDS, connections=connected) == 2
    assert "has no output LedgerGeneration" in capsys.readouterr().err


def test_a_service_that_refuses_is_status_3(connected: Connected, capsys: pytest.CaptureFixture[str]) -> None:
    class Refusing:
        def describe_continuous_backups(self, **_: Any) -> Any:
            raise refused("AccessDeniedException")

    connected.clients = Clients(Refusing(), Stack(), Functions())
    assert main(WORDS, connections=connected) == 3
    assert "AccessDeniedException" in capsys.readouterr().err
