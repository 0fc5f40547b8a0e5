"""Environments differ in sizes and protection, and in nothing else."""

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from aws_cdk import App

from lambdas.httpapi.requests import ANONYMOUS
from stacks.environment import (
    DEV,
    ENVIRONMENTS,
    LOCAL,
    MOST_SEGMENTS,
    InvalidContextError,
    LogRetention,
    UnknownEnvironmentError,
    environment,
    environment_from_context,
)
from stacks.retention import log_retention
from tests.infrastructure.synthesis import Deployable, Synthesized, synthesize, synthesized_once

LAYER = "AWS::Lambda::LayerVersion"
NAMED_QUERY = "AWS::Athena::NamedQuery"
ALARM = "AWS::CloudWatch::Alarm"
BACKUP_SELECTION = "AWS::Backup::BackupSelection"
CLOUD_ONLY = {LAYER, NAMED_QUERY, BACKUP_SELECTION}
"""What the emulator does without: packages are in its virtual environment, and it does not know the other types.

And alarms on metric math, which it refuses.
"""
OF_THE_ACCOUNT = "Watch/AccountConcurrency/"
"""The alarm on the AWS account's quota: the emulator's depends on the machine."""
IN_STEPS = "Api/Rollout/"
"""What moves calls to a new version in steps: where nobody depends on the service it would only take time."""

OF_THE_CANARY = "Api/MayBeCanary/"
"""What the canary's role may call: it is in staging and prod only."""
BY_ITSELF = tuple(
    f"{stack}/{each}/"
    for stack, constructs in {
        "Sealing": ("Often", "SealMissing", "SealNotStarted"),
        "Verification": ("Regularly", "VerificationMissing", "VerificationNotStarted"),
    }.items()
    for each in constructs
)
"""Schedules, and the alarms on them: a test on the emulator says when to seal, and dev verifies by hand."""


def topology(stack: Deployable) -> set[tuple[str, str]]:
    """Construct path below the environment, and type, of every resource but those for the cloud only.

    The CDK names a permission after the function and what may call it, and a policy of a role of another stack after
    both, environment included: their type will do.
    """
    paths = {key: each["Metadata"]["aws:cdk:path"].split("/", 1)[1] for key, each in stack.body["Resources"].items()}
    return {
        (re.sub(r"(ApiScoped|AllowEventRule|/Role/PolicyDaybook).*", r"\1", paths[key]), each["Type"])
        for key, each in stack.body["Resources"].items()
        if each["Type"] not in CLOUD_ONLY
        and not paths[key].startswith((IN_STEPS, OF_THE_CANARY, OF_THE_ACCOUNT, *BY_ITSELF))
        and not (each["Type"] == ALARM and "Metrics" in each["Properties"])
    }


def test_all_environments_have_the_same_resources_but_for_the_canary_and_schedules(
    environments: Mapping[str, Synthesized],
) -> None:
    def compared(of: Synthesized) -> list[Deployable]:
        return [each for each in of.stacks if each not in (of.canary, of.canary_caller)]

    prod = environments["prod"]
    for other in environments.values():
        for mine, theirs in zip(compared(other), compared(prod), strict=True):
            assert topology(mine) == topology(theirs)


def test_the_cloud_brings_its_packages_and_the_emulator_finds_them_in_the_virtual_environment(
    environments: Mapping[str, Synthesized],
) -> None:
    for stack in ("api", "commands", "publisher", "reports", "sealing", "verification"):
        layers = {name: len(getattr(each, stack).resources(LAYER)) for name, each in environments.items()}
        assert layers == {name: int(name != LOCAL.name) for name in ENVIRONMENTS}


@pytest.mark.parametrize(
    ("name", "log_retention", "cutoff_gigabytes", "lake_interval_seconds"),
    [
        ("local", "ONE_DAY", 10, 60),
        ("dev", "ONE_MONTH", 10, 300),
        ("staging", "THREE_MONTHS", 50, 300),
        ("prod", "ONE_YEAR", 1_000, 600),
    ],
)
def test_environments_differ_in_how_long_and_how_much(
    name: str, log_retention: str, cutoff_gigabytes: int, lake_interval_seconds: int
) -> None:
    config = environment(name)
    assert config.log_retention == log_retention
    assert config.query_cutoff_bytes == cutoff_gigabytes * 10**9
    assert config.lake_interval_seconds == lake_interval_seconds
    assert (config.publisher_batch_size, config.publisher_batch_window_seconds) == (1_000, 1)
    assert config.publisher_retries == 1_000
    assert (config.command_batch_size, config.command_batch_window_seconds) == (100, 0)


@pytest.mark.parametrize("name", get_args(LogRetention))
def test_every_retention_that_can_be_chosen_is_one_that_the_cdk_knows(name: LogRetention) -> None:
    assert log_retention(replace(environment("dev"), log_retention=name)).name == name


def test_no_template_holds_an_account_a_region_or_a_physical_name(anywhere: Synthesized) -> None:
    for stack in anywhere.stacks:
        assert not re.search(r"(?<!-)\b\d{12}\b|\b[a-z]{2}-(north|south|east|west|central)[a-z]*-\d\b", str(stack.body))
        names = {
            "BucketName",
            "RoleName",
            *(["TableName"] if stack not in (anywhere.projections, anywhere.transparency) else []),
        }
        for each in stack.body["Resources"].values():
            assert not names & each.get("Properties", {}).keys()


def test_stack_names_are_stable_and_distinct(environments: Mapping[str, Synthesized]) -> None:
    assert {stack.name for each in environments.values() for stack in each.stacks} == {
        f"Daybook-{name}-{part}"
        for name in ENVIRONMENTS
        for part in (
            "Notifications",
            "Ledger",
            "Backup",
            "Api",
            "Commands",
            "DomainEvents",
            "Lake",
            "Projections",
            "Publisher",
            "Reports",
            "Transparency",
            "Sealing",
            "Verification",
            "Watch",
            *(("Canary", "CanaryCaller") if ENVIRONMENTS[name].canary_minutes else ()),
        )
    }


@pytest.mark.parametrize("name", ["production", "", "Dev"])
def test_an_unknown_environment_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(UnknownEnvironmentError, match=", ".join(ENVIRONMENTS)):
        environment(name)


@pytest.mark.parametrize(("segments", "concurrency"), [(0, 0), (4, 0), (4, 5), (MOST_SEGMENTS + 1, 1)], ids=str)
def test_a_rebuild_has_segments_and_walks_some_of_them_at_a_time(segments: int, concurrency: int) -> None:
    with pytest.raises(ValueError, match="a rebuild walks some of its segments at a time"):
        dataclasses.replace(DEV, rebuild_segments=segments, rebuild_concurrency=concurrency)
    assert dataclasses.replace(DEV, rebuild_segments=MOST_SEGMENTS, rebuild_concurrency=MOST_SEGMENTS)


def test_a_new_account_can_rebuild_in_dev_and_answer_requests_meanwhile() -> None:
    """It has ten executions. Source: AWS Lambda Developer Guide, "Lambda quotas"."""
    assert DEV.rebuild_concurrency <= 5


def test_an_environment_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        environment("dev").snapshot_interval = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("context", "name", "interval"),
    [
        ({"env": "prod"}, "prod", 10),
        ({"env": "local", "snapshot_interval": "7"}, "local", 7),
        ({"env": "local", "snapshot_interval": 50}, "local", 50),
    ],
)
def test_context_picks_the_environment(context: dict[str, object], name: str, interval: int) -> None:
    config = environment_from_context(App(context=context).node)
    assert (config.name, config.snapshot_interval) == (name, interval)


@pytest.mark.parametrize("interval", ["0", "51", "-1", "ten", "1.5", ""])
def test_a_snapshot_interval_is_a_whole_number_from_1_to_50(interval: str) -> None:
    with pytest.raises(InvalidContextError, match="from 1 to 50"):
        environment_from_context(App(context={"env": "local", "snapshot_interval": interval}).node)


def test_a_workstation_may_try_another_generation() -> None:
    context = {"env": "local", "ledger_generation": "2"}
    assert environment_from_context(App(context=context).node) == replace(LOCAL, ledger_generation=2)


@pytest.mark.parametrize("generation", ["0", "1001", "-1", "two", ""])
def test_a_generation_is_a_whole_number(generation: str) -> None:
    with pytest.raises(InvalidContextError, match="ledger_generation is a whole number from 1 to 1000"):
        environment_from_context(App(context={"env": "local", "ledger_generation": generation}).node)


@pytest.mark.parametrize("context", [{}, {"env": ""}, {"env": "production"}, {"snapshot_interval": "7"}])
def test_an_environment_must_be_named(context: dict[str, object]) -> None:
    with pytest.raises(UnknownEnvironmentError, match=f"use -c env=NAME with one of {', '.join(ENVIRONMENTS)}"):
        environment_from_context(App(context=context).node)


@pytest.mark.parametrize("level", ["DEBUG", "TRACE", ""])
def test_no_environment_lets_the_sdk_log_its_requests(level: str) -> None:
    with pytest.raises(ValueError, match="below it the SDK logs requests"):
        replace(environment("dev"), log_level=level)


@pytest.mark.parametrize("level", ["WARN", "WARNING", "ERROR", "FATAL"])
def test_no_environment_drops_the_lines_that_carry_metrics(level: str) -> None:
    with pytest.raises(ValueError, match=f"INFO, not {level}: above INFO Lambda drops the lines that carry metrics"):
        replace(environment("dev"), log_level=level)


def test_all_environments_log_at_that_level(anywhere: Synthesized) -> None:
    levels = {
        each["Properties"]["LoggingConfig"]["ApplicationLogLevel"]
        for stack in anywhere.stacks
        for each in stack.resources("AWS::Lambda::Function").values()
    }
    assert levels == {"INFO"}


@pytest.mark.parametrize("caller", ["arn:aws:iam::123456789012:role/tester", "AROAONE:session", "AROAONE,AROATWO", ""])
def test_a_test_caller_is_an_id_and_nothing_else(caller: str) -> None:
    with pytest.raises(ValueError, match="a test caller is an id"):
        replace(environment("dev"), test_callers=("AIDAONE", caller))


def test_every_function_that_opens_accounts_knows_all_test_callers(shared: Path) -> None:
    config = replace(environment("dev"), test_callers=("AIDAONE", "AROATWO"))
    tested = synthesized_once(shared, "dev-tested", lambda outdir: synthesize("dev", outdir=outdir, config=config))
    told = {
        each["Properties"]["Handler"]: each["Properties"]["Environment"]["Variables"].get("TEST_CALLERS")
        for stack in (tested.api, tested.commands)
        for each in stack.resources("AWS::Lambda::Function").values()
    }
    assert told == {
        "lambdas.handlers.accounts_api.handler": "AIDAONE,AROATWO",
        "lambdas.handlers.command_processor.handler": "AIDAONE,AROATWO",
        "lambdas.handlers.command_failures.handler": None,
    }


def test_only_the_emulated_environment_lets_everybody_open_test_accounts() -> None:
    assert {name for name, each in ENVIRONMENTS.items() if ANONYMOUS in each.test_callers} == {LOCAL.name}


@pytest.mark.parametrize("override", ["snapshot_interval", "ledger_generation"])
def test_a_cloud_environment_takes_no_override(override: str) -> None:
    """Above all no generation: the next deployment without it would let go of the restored tables."""
    with pytest.raises(InvalidContextError, match=f"{override} can be overridden in the local environment only"):
        environment_from_context(App(context={"env": "prod", override: "7"}).node)
