"""What every step of a restore is given."""

from __future__ import annotations

from datetime import datetime

import msgspec

from cli.connections import Connections
from cli.environments.place import Place
from cli.output import Output
from lambdas.eventsourcing.timestamps import format_timestamp


class Request(msgspec.Struct, frozen=True):
    """The environment, the second to which its tables go back (UTC), and where the answer goes.

    `act`: what would be cut is cut.
    """

    place: Place
    at: datetime
    connections: Connections
    output: Output
    act: bool = False

    @property
    def time(self) -> str:
        """The second, as an argument and as it is printed."""
        return second(self.at)

    def command(self, step: str) -> str:
        """The line to type for another step of the same restore."""
        return self.elsewhere(f"restore {step}", f"--at {self.time}")

    def elsewhere(self, command: str, options: str) -> str:
        """The line to type for another command on the same environment."""
        region = "" if self.place.is_local or self.place.region is None else f" --region {self.place.region}"
        return f"daybook {command} --env {self.place.environment}{region} {options}"


def second(moment: datetime) -> str:
    """A moment without fractions of a second: DynamoDB restores to whole seconds."""
    return f"{format_timestamp(moment)[:19]}Z"
