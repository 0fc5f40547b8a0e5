"""Looks whether an environment has stopped to take commands and to process its streams.

Nothing may be written to the tables, and nothing published from them, while they are copied and compared.
"""

from __future__ import annotations

from typing import Final

from cli.environments.place import STACK, Place
from cli.errors import CommandError
from cli.restore.clients import Clients

ALIAS: Final = "live"
VARIABLE: Final = "WRITES"
MAPPINGS: Final = (("Commands", "CommandMappingId"), ("Publisher", "PublisherMappingId"))
SETTLED: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
"""Statuses of a stack that nobody deploys at the moment."""


class StillWritingError(CommandError):
    """The environment takes commands or processes a stream; the message says what does, and what to type."""


def require_writes_off(clients: Clients, place: Place) -> None:
    """Raises StillWritingError, ClientError, BotoCoreError, PlaceError."""
    found = still_writing(clients, place)
    if found:
        raise StillWritingError(f"{'; '.join(found)}. First: cdk deploy '**' -c env={place.environment} -c writes=off")


def still_writing(clients: Clients, place: Place) -> list[str]:
    """What still writes or publishes, a few words each. Raises ClientError, BotoCoreError, PlaceError."""
    return [*_deployments(clients, place), *_api(clients, place), *_mappings(clients, place)]


def _deployments(clients: Clients, place: Place) -> list[str]:
    """A stage gets its routes after the function gets its variables, so half a deployment counts as none."""
    found = []
    for name in ("Api", *(stack for stack, _ in MAPPINGS)):
        stack = STACK.format(environment=place.environment, name=name)
        status = clients.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if status not in SETTLED:
            found.append(f"{stack} is {status}")
    return found


def _api(clients: Clients, place: Place) -> list[str]:
    function = place.output("Api", "ApiFunctionName")
    found = []
    answer = clients.functions.get_function_configuration(FunctionName=function, Qualifier=ALIAS)
    if answer.get("Environment", {}).get("Variables", {}).get(VARIABLE) != "off":
        found.append("the API takes commands")
    routing = clients.functions.get_alias(FunctionName=function, Name=ALIAS).get("RoutingConfig") or {}
    if routing.get("AdditionalVersionWeights"):
        found.append("a deployment of the API's function is being shifted")
    return found


def _mappings(clients: Clients, place: Place) -> list[str]:
    found = []
    for stack, output in MAPPINGS:
        state = clients.functions.get_event_source_mapping(UUID=place.output(stack, output))["State"]
        if state != "Disabled":
            found.append(f"the stream mapping of {stack} is {state}")
    return found
