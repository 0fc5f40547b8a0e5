"""`-c writes=off`: an environment that only reads, while its tables are restored."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from aws_cdk import App

from lambdas.projections.registry import PROJECTIONS
from stacks.environment import PROD, InvalidContextError, environment_from_context
from tests.infrastructure.synthesis import Synthesized, synthesize, synthesized_once
from tests.infrastructure.test_api_gateway import path_of
from tests.infrastructure.test_deploy_order import before

METHOD = "AWS::ApiGateway::Method"
MAPPING = "AWS::Lambda::EventSourceMapping"
COMMANDS = "/accounts/{account_id}/commands"


@pytest.fixture(scope="module")
def off(shared: Path) -> Synthesized:
    config = replace(PROD, writes=False, rollout="ALL_AT_ONCE")
    return synthesized_once(shared, "prod-off", lambda outdir: synthesize("prod", outdir=outdir, config=config))


@pytest.mark.parametrize("context", [{}, {"writes": "on"}], ids=str)
def test_commands_are_taken_unless_the_context_says_otherwise(context: dict[str, str]) -> None:
    assert environment_from_context(App(context={"env": "prod", **context}).node) == PROD


def test_writes_go_off_at_once(off: Synthesized) -> None:
    """In steps, the alarms on 503 would send the version back that answers it."""
    config = environment_from_context(App(context={"env": "prod", "writes": "off"}).node)
    assert config == replace(PROD, writes=False, rollout="ALL_AT_ONCE")
    assert PROD.rollout != "ALL_AT_ONCE"
    assert off.api.resources("AWS::CodeDeploy::DeploymentGroup") == {}


def test_writes_come_back_at_once() -> None:
    config = environment_from_context(App(context={"env": "prod", "rollout": "at-once"}).node)
    assert config == replace(PROD, rollout="ALL_AT_ONCE")


@pytest.mark.parametrize("given", ["LINEAR_10_PERCENT_EVERY_1_MINUTE", "", "ALL_AT_ONCE"])
def test_no_other_way_is_chosen_by_context(given: str) -> None:
    with pytest.raises(InvalidContextError, match="rollout is at-once"):
        environment_from_context(App(context={"env": "prod", "rollout": given}).node)


@pytest.mark.parametrize("given", ["no", "", "false", "OFF"])
def test_another_word_is_refused(given: str) -> None:
    with pytest.raises(InvalidContextError, match="writes is on or off"):
        environment_from_context(App(context={"env": "prod", "writes": given}).node)


def test_the_function_is_told(off: Synthesized, cloud: Synthesized) -> None:
    for environment, word in ((off, "off"), (cloud, "on")):
        _, function = environment.api.only("AWS::Lambda::Function")
        assert function["Properties"]["Environment"]["Variables"]["WRITES"] == word


@pytest.mark.parametrize("stack", ["commands", "publisher"])
def test_no_stream_is_processed(off: Synthesized, cloud: Synthesized, stack: str) -> None:
    for environment, enabled in ((off, False), (cloud, True)):
        _, mapping = getattr(environment, stack).only(MAPPING)
        assert mapping["Properties"]["Enabled"] is enabled


def test_read_models_go_on_following_what_was_published(off: Synthesized, cloud: Synthesized) -> None:
    """They are read meanwhile, and have to take what a restore announces."""
    for environment in (off, cloud):
        mappings = environment.projections.resources(MAPPING).values()
        assert [each["Properties"]["Enabled"] for each in mappings] == [True] * len(PROJECTIONS)


def test_a_command_to_be_stored_reaches_the_function_which_refuses_it(off: Synthesized, cloud: Synthesized) -> None:
    """No integration with DynamoDB is left that writes."""
    for environment, methods in ((off, {"ANY"}), (cloud, {"ANY", "POST"})):
        found = {
            each["Properties"]["HttpMethod"]: each["Properties"]["Integration"]
            for each in environment.api.resources(METHOD).values()
            if path_of(environment.api, each["Properties"]["ResourceId"]) == COMMANDS
        }
        assert set(found) == methods
        assert found["ANY"]["Type"] == "AWS_PROXY"
    assert "dynamodb:action/UpdateItem" not in str(off.api.body)
    assert "dynamodb:UpdateItem" not in str(off.api.body)


def test_the_outcome_of_a_command_can_still_be_read(off: Synthesized) -> None:
    assert "dynamodb:action/GetItem" in str(off.api.body)


def test_switching_leads_to_another_deployment_of_the_stage(off: Synthesized, environments: object) -> None:
    """A deployment of API Gateway is a snapshot: with the same logical id the stage would keep the routes it has."""
    on = environments["prod"]  # type: ignore[index]
    assert off.api.only("AWS::ApiGateway::Deployment")[0] != on.api.only("AWS::ApiGateway::Deployment")[0]


def test_nothing_of_the_ledger_changes(off: Synthesized, environments: object) -> None:
    assert off.ledger.body == environments["prod"].ledger.body  # type: ignore[index]


def test_writers_stop_before_those_who_read_what_they_wrote(off: Synthesized) -> None:
    """The other way round, minutes of events would be written that nobody publishes: a restore cannot name those."""
    order = [each.name for each in (off.lake, off.api, off.commands, off.publisher)]
    for earlier, later in combinations(order[1:], 2):
        assert earlier in before(later, off.dependencies)
    for reader in (off.lake, off.projections):
        assert reader.name in before(off.publisher.name, off.dependencies)
    for name in off.dependencies:
        assert name not in before(name, off.dependencies), "a circle"
