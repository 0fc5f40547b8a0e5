"""What every action is given."""

from __future__ import annotations

import msgspec

from cli.connections import Connections
from cli.environments.place import Place
from cli.output import Output
from cli.projections.models import Model, Models


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The environment, the projections that are meant, where the answer goes, and what the options say."""

    action: str
    place: Place
    connections: Connections
    models: Models
    names: list[str]
    output: Output
    account_ids: list[str] = []
    everything: bool = False
    follow: bool = False
    yes: bool = False
    wait: bool = True
    generation: int | None = None
    segments: int = 8

    @property
    def model(self) -> Model:
        """The one that is meant, of an action that takes one name."""
        return self.models[self.names[0]]

    @property
    def chosen(self) -> list[Model]:
        """All that are meant, in the order of the registry."""
        return [self.models[name] for name in self.names]

    def command(self, words: str) -> str:
        """The line to type for another action on the same environment."""
        return command(self.place, words)


def command(place: Place, words: str) -> str:
    """The line to type for an action on an environment."""
    env = "" if place.is_local else f" --env {place.environment}"
    region = "" if place.is_local or place.region is None else f" --region {place.region}"
    return f"daybook projections {words}{env}{region}"
