"""What `daybook doctor` takes for granted is what the templates say."""

from __future__ import annotations

import re

import pytest

from cli.doctor.checks.bootstrap import NEEDED, PARAMETER
from cli.doctor.checks.quotas import RESERVING
from tests.infrastructure.synthesis import Synthesized


def test_the_bootstrap_version_that_every_stack_demands(anywhere: Synthesized) -> None:
    for stack in anywhere.stacks:
        assert stack.body["Parameters"]["BootstrapVersion"]["Default"] == PARAMETER
        [rule] = stack.body["Rules"]["CheckBootstrapVersion"]["Assertions"]
        [too_old, _] = rule["Assert"]["Fn::Not"][0]["Fn::Contains"]
        assert max(map(int, too_old)) + 1 == NEEDED


def test_every_reservation_is_one_that_the_doctor_adds_up(cloud: Synthesized) -> None:
    found = {
        stack.name.rpartition("-")[2]: function["Properties"]["ReservedConcurrentExecutions"]
        for stack in cloud.stacks
        for function in stack.resources("AWS::Lambda::Function").values()
        if "ReservedConcurrentExecutions" in function["Properties"]
    }
    told = {stack: getattr(cloud.config, setting) for setting, stack in RESERVING.items()}
    assert found == {stack: number for stack, number in told.items() if number}


@pytest.mark.parametrize(
    ("stack", "output"),
    [("notifications", "AlarmTopicArn")]
    + [("ledger", each) for each in ("EventTableName", "ReceiptsTableName", "CommandsTableName")],
)
def test_every_output_that_it_reads_is_there(anywhere: Synthesized, stack: str, output: str) -> None:
    assert output in getattr(anywhere, stack).body["Outputs"]


def test_the_role_for_the_gateways_logs_is_known_by_its_stack(anywhere: Synthesized) -> None:
    """CloudFormation names it `<stack>-<logical id>-…`, unless the template does."""
    roles = anywhere.api.resources("AWS::IAM::Role")
    [role] = [each for name, each in roles.items() if re.search("CloudWatchRole", name)]
    assert "RoleName" not in role["Properties"]
    assert anywhere.api.name.startswith(f"Daybook-{anywhere.config.name}-")
