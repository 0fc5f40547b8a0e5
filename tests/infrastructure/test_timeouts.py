"""Who waits for whom: each gives up before the one that waits for it."""

from lambdas.eventsourcing.retry import REQUEST_SECONDS
from tests.infrastructure.synthesis import Synthesized

GATEWAY_SECONDS = 29
"""API Gateway's longest wait for an integration, without a quota of one's own."""


def test_the_store_gives_up_before_the_function_and_the_function_before_the_gateway(anywhere: Synthesized) -> None:
    """Or else a caller hears the gateway's answer, which does not know what became of the command."""
    _, function = anywhere.api.only("AWS::Lambda::Function")
    methods = anywhere.api.resources("AWS::ApiGateway::Method").values()
    gateway = {each["Properties"]["Integration"]["TimeoutInMillis"] / 1000 for each in methods}

    assert REQUEST_SECONDS < function["Properties"]["Timeout"] < min(gateway)
    assert max(gateway) <= GATEWAY_SECONDS
