"""What a trace reads, and how it is opened in an environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from cli.environments.clients import stack_resources
from cli.environments.ledger import open_store
from cli.environments.place import STACK, Place
from cli.sql.session import Result, Session
from cli.storage.table_scan import RETRIES
from cli.trace.log_lines import STACKS, CloudWatchLines, LogLines
from cli.trace.stages import Name
from cli.trace.stored import CommandsTable, StoredCommands
from cli.trace.stream import Arrivals, KinesisArrivals
from lambdas.eventsourcing.store import EventStore

LOG_GROUP: Final = "AWS::Logs::LogGroup"


class Sources(msgspec.Struct, frozen=True):
    """Logs, event table, commands table, stream and lake."""

    logs: LogLines
    events: EventStore
    commands: StoredCommands
    stream: Arrivals
    lake: Callable[[str], Result]


def open_sources(place: Place) -> Sources:
    """An environment's, by the outputs and resources of its stacks. Raises PlaceError."""
    ledger = place.outputs("Ledger")
    return Sources(
        CloudWatchLines(place.client("logs", RETRIES), log_groups(place)),
        open_store(place.ledger()),
        CommandsTable(place.client("dynamodb", RETRIES), ledger["CommandsTableName"]),
        KinesisArrivals(place.client("kinesis", RETRIES), place.output("DomainEvents", "DomainEventStreamName")),
        Session(place.lake()).run,
    )


def log_groups(place: Place) -> dict[str, Name]:
    """The log groups of the stacks whose functions log correlation ids. Raises PlaceError."""
    return {
        group: stage
        for stack, stage in STACKS.items()
        for group in stack_resources(
            STACK.format(environment=place.environment, name=stack), LOG_GROUP, place.region, place.aws_endpoint_url
        )
    }
