"""What ties an environment to an account: where it is at home, and the account's one role for the gateway's logs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from stacks.environment import DEV, PROD, Environment, environment
from tests.infrastructure.synthesis import Synthesized, synthesize, synthesized_once

ACCOUNT_SETTING = "AWS::ApiGateway::Account"
STAGE = "AWS::ApiGateway::Stage"


def homes(outdir: Path, config: Environment) -> set[str]:
    """Where the command line would deploy the stacks: it refuses credentials of another account."""
    synthesize(config.name, outdir=outdir, config=config)
    manifest = json.loads((outdir / f"assembly-Daybook-{config.name}" / "manifest.json").read_text())
    stacks = [each for each in manifest["artifacts"].values() if each["type"] == "aws:cloudformation:stack"]
    return {each["environment"] for each in stacks}


@pytest.mark.parametrize(
    ("account", "region", "home"),
    [
        ("", "", "aws://unknown-account/unknown-region"),
        ("123456789012", "", "aws://123456789012/unknown-region"),
        ("123456789012", "eu-west-1", "aws://123456789012/eu-west-1"),
    ],
)
def test_every_stack_is_at_home_where_the_environment_is(tmp_path: Path, account: str, region: str, home: str) -> None:
    """Checked by the AwsSolutions rules there, too."""
    assert homes(tmp_path, replace(DEV, account=account, region=region)) == {home}


@pytest.mark.parametrize("account", ["12345678901", "1234567890123", "ACCOUNT", "１２３４５６７８９０１２"])
def test_an_account_has_twelve_digits(account: str) -> None:
    with pytest.raises(ValueError, match="an account has twelve digits"):
        replace(PROD, account=account)


@pytest.fixture(scope="module")
def without_role(shared: Path) -> Synthesized:
    """`prod` in an account that has a role for the gateway's logs already."""
    config = replace(environment(PROD.name), gateway_log_role=False)
    return synthesized_once(shared, "without-role", lambda outdir: synthesize(PROD.name, outdir=outdir, config=config))


def test_the_accounts_own_role_is_left_alone_and_the_stage_logs_with_it(
    without_role: Synthesized, anywhere: Synthesized
) -> None:
    assert not without_role.api.resources(ACCOUNT_SETTING)
    trusting = [str(each["Properties"]) for each in without_role.api.resources("AWS::IAM::Role").values()]
    assert not any("AmazonAPIGatewayPushToCloudWatchLogs" in each for each in trusting)
    assert len(anywhere.api.resources(ACCOUNT_SETTING)) == 1
    for each in (without_role, anywhere):
        _, stage = each.api.only(STAGE)
        assert {method["LoggingLevel"] for method in stage["Properties"]["MethodSettings"]} == {"ERROR"}
        assert stage["Properties"]["AccessLogSetting"]["DestinationArn"]


def test_the_role_is_set_before_a_stage_that_logs_and_outlives_the_stack(anywhere: Synthesized) -> None:
    """API Gateway refuses the stage otherwise, and the setting goes on naming the role for other APIs."""
    setting_id, setting = anywhere.api.only(ACCOUNT_SETTING)
    _, stage = anywhere.api.only(STAGE)
    assert setting_id in stage["DependsOn"]
    role_id = setting["Properties"]["CloudWatchRoleArn"]["Fn::GetAtt"][0]
    for each in (setting, anywhere.api.body["Resources"][role_id]):
        assert each["DeletionPolicy"] == "RetainExceptOnCreate"
