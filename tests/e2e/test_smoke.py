"""`daybook smoke` on the deployed system, unchanged; and that it names each permission that a caller lacks.

The emulator enforces no IAM. So a border stands before it that evaluates the deployed policies, less one permission.
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from analytics import catalog
from cli.app import main
from cli.environments.lake import target_in_file
from cli.sql.session import Session
from lambdas.accounts.money import TEST_CURRENCY
from lambdas.contracts.policies import ANY_ACCOUNT
from local.emulator import aws
from local.machine.environment import Environment
from tests.support.iam_border import actions_only, border, routes_only

STEPS = [
    "open", "credit", "withdraw", "read", "version", "moment", "replay", "stored command",
    "event", "read model", "row in the lake", "named query", "daily report",
]  # fmt: skip
STAGE = "v1"
ACCOUNT = f"accounts/{ANY_ACCOUNT}"
LATER = "2100-01-01T00:00:00Z"
ROUTES = {
    "POST/accounts": ("open", "POST /accounts", "MayCommand"),
    f"POST/{ACCOUNT}/credit": ("credit", "POST /accounts/{account_id}/credit", "MayCommand"),
    f"POST/{ACCOUNT}/withdraw": ("withdraw", "POST /accounts/{account_id}/withdraw", "MayCommand"),
    f"POST/{ACCOUNT}/commands": ("stored command", "POST /accounts/{account_id}/commands", "MayCommand"),
    "GET/accounts": ("read model", "GET /accounts", "MayListAccounts"),
    f"GET/{ACCOUNT}": ("read", "GET /accounts/{account_id}", "MayReadAccounts"),
}
ACTIONS = {
    "kinesis:GetRecords": ("event", "DomainEventReadPolicyArn of Daybook-local-DomainEvents"),
    "athena:StartQueryExecution": ("named query", "LakeQueryPolicyArn of Daybook-local-Lake"),
    "lambda:InvokeFunction": ("daily report", "DailyReportPolicyArn of Daybook-local-Reports"),
}
POLICIES = {
    "Api": ("ReadAccountsPolicyArn", "ListAccountsPolicyArn", "CommandPolicyArn"),
    "DomainEvents": ("DomainEventReadPolicyArn",),
    "Lake": ("LakeQueryPolicyArn",),
    "Reports": ("DailyReportPolicyArn",),
}


def tried(capsys: pytest.CaptureFixture[str], file: Path, *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit status, and each step by name."""
    status = main(["smoke", "--environment-file", str(file), "--json", *options])
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] == (status == 0)
    return status, {each["name"]: each for each in document["data"]["steps"]}


@pytest.fixture
def file(environment: Environment, tmp_path: Path) -> Path:
    return saved(environment, tmp_path)


def saved(environment: Environment, folder: Path) -> Path:
    path = folder / "environment.json"
    environment.save(path)
    return path


def test_all_of_it_works_and_no_report_counts_it(
    environment: Environment, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, steps = tried(capsys, file)
    assert [(name, each["status"]) for name, each in steps.items()] == [(name, "ok") for name in STEPS]
    assert status == 0
    assert all(each["seconds"] >= 0 for each in steps.values())
    account = steps["open"]["told"].partition(",")[0]

    session = Session(target_in_file(file))
    day = datetime.now(UTC).date()
    held = session.run(f"SELECT DISTINCT is_test FROM domain_events WHERE subject = '{account}'").rows
    assert held == [(True,)]
    named: dict[str, dict[str, object]] = {
        "daily_report": {"day": day},
        "top_movers": {"day": day, "top": 1_000},
        "balances_as_of": {"at": LATER},
    }
    reports = [
        "SELECT currency FROM account_balances",
        "SELECT currency FROM daily_account_activity",
        *(f"SELECT currency FROM ({catalog.query(name).fill(values)})" for name, values in named.items()),
    ]
    for each in reports:
        assert TEST_CURRENCY not in {row[0] for row in session.run(each).rows}, each


def test_a_second_run_of_the_day_opens_no_second_account(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [tried(capsys, file, "--no-lake") for _ in range(2)]
    assert [status for status, _ in runs] == [0, 0]
    assert {steps["row in the lake"]["status"] for _, steps in runs} == {"left-out"}
    assert len({steps["open"]["told"].partition(",")[0] for _, steps in runs}) == 1
    assert "opened before" in runs[1][1]["open"]["told"]


def test_the_program_prints_a_line_for_each_step(file: Path) -> None:
    program = Path(sys.executable).with_name("daybook")
    ended = subprocess.run(
        [program, "smoke", "--environment-file", file, "--no-lake"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    assert [line[10 : 10 + len(name)] for line, name in zip(lines, STEPS, strict=False)] == STEPS
    assert lines[-1].startswith("12 ok, 1 left out in ")


def documents(environment: Environment, stack: str) -> list[dict[str, Any]]:
    """The policies of a stack as they are deployed."""
    outputs = aws.client(environment, "cloudformation").describe_stacks(StackName=f"Daybook-local-{stack}")["Stacks"][0]
    arns = {each["OutputKey"]: each["OutputValue"] for each in outputs["Outputs"]}
    iam = aws.client(environment, "iam")
    found = []
    for name in POLICIES[stack]:
        policy = iam.get_policy(PolicyArn=arns[name])["Policy"]
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        found.append(copy.deepcopy(version["PolicyVersion"]["Document"]))
    return found


def routes(environment: Environment, without: str | None) -> list[dict[str, Any]]:
    """The callers' policies, less one route."""
    found = documents(environment, "Api")
    left = 0
    for statement in (each for document in found for each in document["Statement"]):
        named = statement["Resource"]
        statement["Resource"] = [named] if isinstance(named, str) else named
        kept = [arn for arn in statement["Resource"] if arn.partition(f"/{STAGE}/")[2] != without]
        left += len(statement["Resource"]) - len(kept)
        statement["Resource"] = kept
    assert left == (without is not None), "there is no such route to leave out"
    return found


def actions(environment: Environment, without: str | None) -> list[str]:
    """All actions of the operators' policies, less one."""
    found = []
    for stack in ("DomainEvents", "Lake", "Reports"):
        for statement in (each for document in documents(environment, stack) for each in document["Statement"]):
            named = statement["Action"]
            found += named if isinstance(named, list) else [named]
    assert without is None or without in found, "there is no such action to leave out"
    return [each for each in found if each != without]


@contextmanager
def guarded(
    environment: Environment, folder: Path, *, route: str | None = None, action: str | None = None
) -> Iterator[Path]:
    """The environment behind borders, without one route or one action."""
    with ExitStack() as stack:
        api = stack.enter_context(border(environment.api_url, routes_only(routes(environment, route), STAGE)))
        allowed = actions_only(actions(environment, action))
        services = stack.enter_context(border(environment.aws_endpoint_url, allowed))
        athena = stack.enter_context(border(environment.athena_endpoint_url, allowed))
        behind = replace(environment, api_url=api, aws_endpoint_url=services, athena_endpoint_url=athena)
        yield saved(behind, folder)


def test_the_policies_together_are_all_that_a_caller_needs(
    environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with guarded(environment, tmp_path) as file:
        status, steps = tried(capsys, file)
    assert {name: each.get("why", "") for name, each in steps.items() if each["status"] != "ok"} == {}
    assert status == 0


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_that_the_policy_lacks_is_named(
    environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str], route: str
) -> None:
    name, named, policy = ROUTES[route]
    with guarded(environment, tmp_path, route=route) as file:
        status, steps = tried(capsys, file, "--no-lake")
    assert status == 1
    failed = steps[name]
    assert (failed["status"], failed["what"]) == ("failed", f"{named} answered 403")
    assert f"execute-api:Invoke on {named}, which the policy {policy} gives" in failed["look_at"]
    assert steps["daily report"]["status"] == "ok", "what does not need it goes on"


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_that_a_policy_lacks_is_named(
    environment: Environment, tmp_path: Path, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    name, output = ACTIONS[action]
    with guarded(environment, tmp_path, action=action) as file:
        status, steps = tried(capsys, file, "--no-lake")
    assert status == 1
    assert {each for each, found in steps.items() if found["status"] == "failed"} == {name}
    assert f"it needs {action} on the " in steps[name]["look_at"]
    assert f"the policy of the output {output} gives" in steps[name]["look_at"]
