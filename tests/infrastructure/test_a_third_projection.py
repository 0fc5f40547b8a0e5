"""A projection is its module and a line of the registry: everything that it needs in AWS comes by itself."""

from dataclasses import replace
from pathlib import Path

import pytest

import stacks.stage
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.projection import Projection
from lambdas.projections.registry import PROJECTIONS
from stacks.environment import DEV
from stacks.projections import ProjectionsStack
from tests.infrastructure.permissions import allowed, path_of, rendered
from tests.infrastructure.synthesis import Deployable, Synthesized, synthesize, synthesized_once
from tests.infrastructure.test_projections_stack import FUNCTION, MAPPING, alarms, at

THIRD = Projection(
    name="largest_balances", summary="A third one.", keeps=ACCOUNT_SUMMARIES.keeps, fold=ACCOUNT_SUMMARIES.fold
)
NEW, OLD = "LargestBalances", "AccountSummaries"


@pytest.fixture(scope="module")
def three(shared: Path) -> Synthesized:
    """`dev` with one more projection, each of them with a throughput of its own."""

    def build(outdir: Path) -> Synthesized:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(stacks.stage, "ProjectionsStack", with_third)
            return synthesize("dev", outdir=outdir, config=replace(DEV, projection_fan_out=True))

    return synthesized_once(shared, "dev-three", build)


def with_third(*args: object, **named: object) -> ProjectionsStack:
    return ProjectionsStack(*args, **named, projections=(*PROJECTIONS, THIRD))  # type: ignore[arg-type]


def kinds(stack: Deployable, one: str) -> list[tuple[str, str]]:
    """Paths and types of all resources of a projection."""
    return sorted(
        (path_of(stack, name).removeprefix(f"Projections/{one}/"), each["Type"])
        for name, each in stack.body["Resources"].items()
        if path_of(stack, name).startswith(f"Projections/{one}/") and each["Type"] != "AWS::Lambda::Version"
    )


def test_it_has_all_resources_that_the_others_have(three: Synthesized) -> None:
    assert kinds(three.projections, NEW) == kinds(three.projections, OLD)
    assert len(kinds(three.projections, NEW)) > 30


def test_it_has_all_alarms_that_the_others_have_and_one_entry_in_the_runbook_with_them(three: Synthesized) -> None:
    own, others = alarms(three, NEW), alarms(three, OLD)
    assert own.keys() == others.keys()
    for name, alarm in own.items():
        assert alarm["AlarmDescription"] == others[name]["AlarmDescription"].replace("account_summaries", THIRD.name)
        assert f"Projections-PROJECTION-{name}" in alarm["AlarmDescription"]


def test_its_functions_know_it_and_others_know_its_table(three: Synthesized) -> None:
    assert at(three, FUNCTION, f"{NEW}/Projector")["Environment"]["Variables"]["PROJECTION"] == THIRD.name
    told = f'"{THIRD.name}":"<Projections/{NEW}/ReadModel/Table>"'
    lag = at(three, FUNCTION, "Lag")["Environment"]["Variables"]["READ_MODEL_TABLES"]
    assert told in rendered(three, three.projections, lag)
    _, api = three.api.only(FUNCTION)
    assert told in rendered(three, three.api, api["Properties"]["Environment"]["Variables"]["READ_MODEL_TABLES"])


def test_the_api_may_read_it_and_the_dashboard_shows_it(three: Synthesized) -> None:
    assert f"<Projections/{NEW}/ReadModel/Table>" in allowed(three, three.api, "Api/Accounts/Role")
    assert THIRD.name in str(three.watch.body)
    assert f"Daybook-dev-Projections-{NEW}-Lagging" in str(three.watch.body)


def test_with_a_throughput_of_its_own_it_follows_a_consumer_of_the_stream(three: Synthesized) -> None:
    stack = three.projections
    consumer = f"<Projections/{NEW}/Consumer>"
    assert rendered(three, stack, at(three, MAPPING, NEW)["EventSourceArn"]) == consumer
    assert allowed(three, stack, f"Projections/{NEW}/Projector/Role")[consumer] == {"kinesis:SubscribeToShard"}
    found = at(three, "AWS::Kinesis::StreamConsumer", NEW)
    assert rendered(three, stack, found["StreamARN"]) == "<DomainEvents/Events/Stream>"
