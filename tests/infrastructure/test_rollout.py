"""A new version of the API's function takes over step by step in staging and prod, and alarms send it back."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from aws_cdk import App, Stack
from aws_cdk.aws_cloudwatch import Alarm, Metric
from aws_cdk.aws_codedeploy import LambdaDeploymentConfig

from constructs_lib.gradual_deployment import GradualDeployment
from constructs_lib.python_function import PythonFunction
from stacks.environment import DEV, ENVIRONMENTS, PROD, InvalidContextError, Rollout, environment_from_context
from tests.infrastructure.permissions import allowed, path_of, rendered
from tests.infrastructure.synthesis import Deployable, Synthesized, synthesize

GROUP = "AWS::CodeDeploy::DeploymentGroup"
ALARM = "AWS::CloudWatch::Alarm"
ALIAS = "AWS::Lambda::Alias"
VERSION = "AWS::Lambda::Version"
IN_STEPS = {name for name, each in ENVIRONMENTS.items() if each.rollout != "ALL_AT_ONCE"}


def logical_id(stack: Deployable, path: str) -> str:
    """The logical id of the resource at a construct path."""
    [found] = [name for name in stack.body["Resources"] if path_of(stack, name) == path]
    return str(found)


def watching(environment: Synthesized) -> dict[str, dict[str, Any]]:
    """Properties of the alarms that end a rollout, by their construct's name."""
    _, group = environment.api.only(GROUP)
    names = [each["Name"]["Ref"] for each in group["Properties"]["AlarmConfiguration"]["Alarms"]]
    alarms = environment.api.resources(ALARM)
    return {path_of(environment.api, name).rpartition("/")[2]: alarms[name]["Properties"] for name in names}


def test_it_is_used_where_people_depend_on_it_and_never_on_the_emulator(anywhere: Synthesized) -> None:
    assert {"staging", "prod"} == IN_STEPS
    groups = {stack.name: len(stack.resources(GROUP)) for stack in anywhere.stacks}
    assert {name for name, count in groups.items() if count} == (
        {anywhere.api.name} if anywhere.config.name in IN_STEPS else set()
    )
    kinds = {each["Type"] for stack in anywhere.stacks for each in stack.body["Resources"].values()}
    assert any("CodeDeploy" in kind for kind in kinds) == (anywhere.config.name in IN_STEPS)


def test_the_alias_is_moved_by_codedeploy_and_after_all_that_watches(environments: dict[str, Synthesized]) -> None:
    api = environments["prod"].api
    group_id, group = api.only(GROUP)
    _, alias = api.only(ALIAS)
    application = logical_id(api, "Api/Rollout/Application")
    assert alias["UpdatePolicy"] == {
        "CodeDeployLambdaAliasUpdate": {
            "ApplicationName": {"Ref": application},
            "DeploymentGroupName": {"Ref": group_id},
        }
    }
    assert alias["DependsOn"] == [group_id]
    assert group["DependsOn"] == [logical_id(api, "Api/Rollout/Policy")]
    assert group["Properties"]["DeploymentConfigName"] == "CodeDeployDefault.LambdaLinear10PercentEvery1Minute"
    assert group["Properties"]["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"],
    }
    assert group["Properties"]["AlarmConfiguration"]["Enabled"] is True


def test_its_alarms_tell_of_errors_of_5xx_and_of_slow_calls(environments: dict[str, Synthesized]) -> None:
    prod = environments["prod"]
    found = watching(prod)
    assert found.keys() == {
        "InternalErrors",
        "CommandsUnavailable",
        "ReadsUnavailable",
        "NewVersionErrors",
        "NewVersionSlow",
        "GatewayErrors",
    }
    assert found["NewVersionErrors"]["MetricName"] == "Errors"
    assert (found["NewVersionErrors"]["Statistic"], found["NewVersionErrors"]["Threshold"]) == ("Sum", 0)
    assert found["NewVersionSlow"]["MetricName"] == "Duration"
    assert (found["NewVersionSlow"]["ExtendedStatistic"], found["NewVersionSlow"]["Threshold"]) == ("p99", 3_000)
    assert all(each["TreatMissingData"] == "notBreaching" for each in found.values()), "a quiet night is no fault"
    for name in ("NewVersionErrors", "NewVersionSlow"):
        assert found[name]["Period"] * found[name]["EvaluationPeriods"] <= 120, "a step takes a minute"
        assert found[name]["ComparisonOperator"] == "GreaterThanThreshold"


def test_the_new_versions_alarms_look_at_that_version_behind_the_alias_only(
    environments: dict[str, Synthesized],
) -> None:
    prod = environments["prod"]
    version, _ = prod.api.only(VERSION)
    function = "<Api/Accounts/Function>"
    for name in ("NewVersionErrors", "NewVersionSlow"):
        dimensions = {
            each["Name"]: rendered(prod, prod.api, each["Value"]) for each in watching(prod)[name]["Dimensions"]
        }
        assert dimensions == {
            "FunctionName": function,
            "Resource": f"{function}:live",
            "ExecutedVersion": f"<{path_of(prod.api, version)}>",
        }


def test_no_alarm_counts_what_a_read_is_answered_503_for_on_purpose(environments: dict[str, Synthesized]) -> None:
    """A client that asks for a `min_version` again and again must not send a good version back."""
    assert "5XXError" not in {each.get("MetricName") for each in watching(environments["prod"]).values()}


def test_codedeploy_may_move_this_alias_and_read_alarms(environments: dict[str, Synthesized]) -> None:
    prod = environments["prod"]
    shift = {"lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"}
    assert allowed(prod, prod.api, "Api/Rollout/Role") == {
        "<Api/Accounts/Function>": shift,
        "<Api/Accounts/Function>:live": shift,
        "*": {"cloudwatch:DescribeAlarms"},
    }


def test_codedeploy_is_trusted_for_this_application_only(environments: dict[str, Synthesized]) -> None:
    prod = environments["prod"]
    role = prod.api.body["Resources"][logical_id(prod.api, "Api/Rollout/Role")]["Properties"]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    arn = rendered(prod, prod.api, statement["Condition"]["StringLike"]["aws:SourceArn"])
    assert arn.endswith(":deploymentgroup:<Api/Rollout/Application>/*")


def test_versions_of_the_api_are_kept_to_go_back_to_and_no_others(anywhere: Synthesized) -> None:
    kept = {
        path_of(stack, name).split("/")[1]: each.get("UpdateReplacePolicy")
        for stack in anywhere.stacks
        for name, each in stack.resources(VERSION).items()
    }
    assert {name for name, policy in kept.items() if policy == "Retain"} == {"Accounts"}
    _, version = anywhere.api.only(VERSION)
    assert version["DeletionPolicy"] == "RetainExceptOnCreate", "one that failed to take over goes"


@pytest.mark.parametrize("rollout", ["CANARY_10_PERCENT_5_MINUTES", "LINEAR_10_PERCENT_EVERY_3_MINUTES"])
def test_another_way_is_one_word_of_the_configuration(rollout: Rollout, tmp_path: Path) -> None:
    api = synthesize("prod", outdir=tmp_path, config=replace(PROD, rollout=rollout)).api
    _, group = api.only(GROUP)
    assert (
        group["Properties"]["DeploymentConfigName"] == getattr(LambdaDeploymentConfig, rollout).deployment_config_name
    )


def test_a_fix_is_deployed_at_once_while_the_alarms_are_on() -> None:
    """They would stop it, too."""
    context = {"env": "prod", "rollout": "at-once"}
    assert environment_from_context(App(context=context).node) == replace(PROD, rollout="ALL_AT_ONCE")
    assert environment_from_context(App(context={"env": "prod"}).node) == PROD


def test_another_way_for_once_is_refused() -> None:
    with pytest.raises(InvalidContextError, match="rollout is at-once"):
        environment_from_context(App(context={"env": "dev", "rollout": "LINEAR_10_PERCENT_EVERY_1_MINUTE"}).node)


def test_stream_consumers_change_at_once(environments: dict[str, Synthesized]) -> None:
    """Docs, ADR 19: a bad tenth of the processor would end commands as FAILED before an alarm turns."""
    prod = environments["prod"]
    for stack in (prod.commands, prod.publisher, prod.reports):
        assert all("UpdatePolicy" not in each for each in stack.resources(ALIAS).values())


def test_dev_could_have_it_too(tmp_path: Path) -> None:
    config = replace(DEV, rollout="LINEAR_10_PERCENT_EVERY_1_MINUTE")
    assert synthesize("dev", outdir=tmp_path, config=config).api.resources(GROUP)


@pytest.mark.parametrize("count", [0, 11])
def test_a_rollout_without_an_alarm_or_with_more_than_codedeploy_takes_is_refused(count: int) -> None:
    stack = Stack(App(), "Stack")
    alarm = Alarm(stack, "Alarm", metric=Metric(namespace="N", metric_name="M"), threshold=1, evaluation_periods=1)
    function = cast("PythonFunction", None)  # is not looked at
    with pytest.raises(ValueError, match=f"1 to 10 alarms, not {count}"):
        GradualDeployment(
            stack,
            "Rollout",
            function=function,
            deployment_config=LambdaDeploymentConfig.ALL_AT_ONCE,
            alarms=[alarm] * count,
        )
