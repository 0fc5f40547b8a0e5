"""What holds for every function of every stack: throttles are heard, and what is reserved fits an AWS account."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stacks.environment import DEV, ENVIRONMENTS, PROD, Environment
from tests.infrastructure.permissions import path_of
from tests.infrastructure.synthesis import Deployable, Resource, Synthesized, synthesize

FUNCTION = "AWS::Lambda::Function"
ALIAS = "AWS::Lambda::Alias"
ALARM = "AWS::CloudWatch::Alarm"
QUOTA = 1_000
"""Concurrent executions of an AWS account and region. Source: AWS Lambda Developer Guide, "Lambda quotas"."""
UNRESERVED = 100
"""What must stay of them for all other functions. Source: the same, "Configuring reserved concurrency"."""
API, PROCESSOR, PUBLISHER = "Api/Accounts/Function", "Commands/Processor/Function", "Publisher/Publisher/Function"


def functions(environment: Synthesized) -> Iterator[tuple[Deployable, str, Resource]]:
    """Stack, logical id and properties of every function, whoever made it."""
    for stack in environment.stacks:
        for name, each in stack.resources(FUNCTION).items():
            yield stack, name, each["Properties"]


def throttles(stack: Deployable, function: str, aliases: list[str]) -> list[Resource]:
    """The alarms on throttles of the aliases through which a function is called."""
    wanted = [
        [
            {"Name": "FunctionName", "Value": {"Ref": function}},
            {"Name": "Resource", "Value": {"Fn::Join": ["", [{"Ref": function}, f":{alias}"]]}},
        ]
        for alias in aliases
    ]
    alarms = [each["Properties"] for each in stack.resources(ALARM).values()]
    return [each for each in alarms if each.get("MetricName") == "Throttles" and each["Dimensions"] in wanted]


def test_every_function_that_lambda_throttles_raises_an_alarm(anywhere: Synthesized) -> None:
    found = list(functions(anywhere))
    assert len(found) >= 5
    for stack, name, _ in found:
        aliases = [each["Properties"] for each in stack.resources(ALIAS).values()]
        called = [each["Name"] for each in aliases if each["FunctionName"] == {"Ref": name}]
        assert called, f"{path_of(stack, name)} is called past an alias"
        alarms = throttles(stack, name, called)
        assert len(alarms) == len(called), f"{path_of(stack, name)} is throttled unheard"
        for alarm in alarms:
            assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == ("AWS/Lambda", "Sum", 1)
            assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"


def reserved(environment: Synthesized) -> dict[str, int]:
    """Path of each function with reserved concurrency, and how much."""
    return {
        path_of(stack, name): properties["ReservedConcurrentExecutions"]
        for stack, name, properties in functions(environment)
        if "ReservedConcurrentExecutions" in properties
    }


def test_processor_and_publisher_have_what_the_configuration_reserves_and_no_other_function_any(
    anywhere: Synthesized,
) -> None:
    config = anywhere.config
    wanted = {PROCESSOR: config.processor_reserved_concurrency, PUBLISHER: config.publisher_reserved_concurrency}
    assert reserved(anywhere) == {path: count for path, count in wanted.items() if count}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda config: replace(config, processor_reserved_concurrency=7), {PROCESSOR: 7}),
        (lambda config: replace(config, publisher_reserved_concurrency=3), {PUBLISHER: 3}),
        (lambda config: config, {}),
    ],
    ids=["processor", "publisher", "neither"],
)
def test_each_is_reserved_by_its_own_setting_and_0_reserves_none(
    change: Callable[[Environment], Environment], expected: dict[str, int], tmp_path: Path
) -> None:
    """In a template 0 would stop the function."""
    assert reserved(synthesize("dev", outdir=tmp_path, config=change(DEV))) == expected


@pytest.mark.parametrize("config", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_reservations_fit_an_account_of_the_usual_quota(config: Environment) -> None:
    assert config.processor_reserved_concurrency + config.publisher_reserved_concurrency <= QUOTA - UNRESERVED


@pytest.mark.parametrize("name", ["dev", "local"])
def test_an_account_whose_quota_is_still_low_can_hold_these(name: str) -> None:
    config = ENVIRONMENTS[name]
    assert (config.processor_reserved_concurrency, config.publisher_reserved_concurrency) == (0, 0)


def test_a_reservation_below_none_is_refused() -> None:
    with pytest.raises(ValueError, match="0, for none, or more"):
        replace(DEV, processor_reserved_concurrency=-1)
    with pytest.raises(ValueError, match="0, for none, or more"):
        replace(DEV, publisher_reserved_concurrency=-1)


def snap_started(environment: Synthesized) -> set[str]:
    """Paths of the functions that start from a snapshot."""
    started = {
        path_of(stack, name): properties["SnapStart"]
        for stack, name, properties in functions(environment)
        if "SnapStart" in properties
    }
    assert all(each == {"ApplyOn": "PublishedVersions"} for each in started.values())
    return set(started)


def test_only_functions_that_are_called_all_the_time_start_from_a_snapshot(anywhere: Synthesized) -> None:
    """Lambda drops the snapshot of a version that nobody called for 14 days, and fails the next call."""
    assert snap_started(anywhere) == {API, PROCESSOR}


def test_a_region_without_snapstart_can_have_the_service_too(tmp_path: Path) -> None:
    assert snap_started(synthesize("prod", outdir=tmp_path, config=replace(PROD, snap_start=False))) == set()


def test_a_function_is_created_after_its_right_to_send_traces(anywhere: Synthesized) -> None:
    """Lambda refuses active tracing to a function whose role may not write to X-Ray yet."""
    for stack, name, properties in functions(anywhere):
        assert properties["TracingConfig"] == {"Mode": "Active"}
        policies = {
            each
            for each, policy in stack.resources("AWS::IAM::Policy").items()
            if "xray:PutTraceSegments" in str(policy["Properties"]["PolicyDocument"])
        }
        assert policies & set(stack.body["Resources"][name]["DependsOn"]), path_of(stack, name)
