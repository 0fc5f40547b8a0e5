"""`-c writes=off`: an environment that only reads, while its tables are restored."""

from dataclasses import replace
from pathlib import Path

import pytest
from aws_cdk import App

from stacks.environment import PROD, InvalidContextError, environment_from_context
from tests.infrastructure.synthesis import Synthesized, synthesize, synthesized_once
from tests.infrastructure.test_api_gateway import path_of

METHOD = "AWS::ApiGateway::Method"
MAPPING = "AWS::Lambda::EventSourceMapping"
COMMANDS = "/accounts/{account_id}/commands"


@pytest.fixture(scope="module")
def off(shared: Path) -> Synthesized:
    config = replace(PROD, writes=False)
    return synthesized_once(shared, "prod-off", lambda outdir: synthesize("prod", outdir=outdir, config=config))


@pytest.mark.parametrize(("given", "writes"), [(None, True), ("on", True), ("off", False)])
def test_the_context_says_it(given: str | None, writes: bool) -> None:
    context = {"env": "prod"} if given is None else {"env": "prod", "writes": given}
    assert environment_from_context(App(context=context).node) == replace(
        PROD, writes=writes, rollout=PROD.rollout if writes else "ALL_AT_ONCE"
    )


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
