"""Who waits for whom: each gives up before the one that waits for it."""

from lambdas.eventsourcing.retry import REQUEST_SECONDS
from lambdas.projections.reading.reader import LAG_SECONDS
from stacks.functions import NEAR_TIMEOUT
from tests.infrastructure.synthesis import Synthesized

GATEWAY_SECONDS = 29
"""API Gateway's longest wait for an integration, without a quota of one's own."""


def test_the_store_gives_up_before_the_function_and_the_function_before_the_gateway(anywhere: Synthesized) -> None:
    """Or else a caller hears the gateway's answer, which does not know what became of the command."""
    _, function = anywhere.api.only("AWS::Lambda::Function")
    methods = anywhere.api.resources("AWS::ApiGateway::Method").values()
    integrations = [each["Properties"]["Integration"] for each in methods]
    gateway = {each["TimeoutInMillis"] / 1000 for each in integrations if each["Type"] == "AWS_PROXY"}

    assert REQUEST_SECONDS < function["Properties"]["Timeout"] < min(gateway)
    assert NEAR_TIMEOUT * function["Properties"]["Timeout"] > REQUEST_SECONDS + LAG_SECONDS, (
        "a list, then how old it is"
    )
    assert max(gateway) <= GATEWAY_SECONDS


def test_the_gateway_waits_for_dynamodb_no_longer_than_a_function_would(anywhere: Synthesized) -> None:
    methods = anywhere.api.resources("AWS::ApiGateway::Method").values()
    integrations = [each["Properties"]["Integration"] for each in methods]
    assert {each["TimeoutInMillis"] / 1000 for each in integrations if each["Type"] == "AWS"} == {REQUEST_SECONDS}


def test_a_command_can_begin_and_end_in_an_invocation_of_the_processor(anywhere: Synthesized) -> None:
    functions = anywhere.commands.resources("AWS::Lambda::Function").values()
    [processor] = [each["Properties"] for each in functions if "processor" in each["Properties"]["Handler"]]
    assert processor["Timeout"] >= 3 * REQUEST_SECONDS, "the slowest command of all, and others before it"
