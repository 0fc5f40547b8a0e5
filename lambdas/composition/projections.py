"""Builds a projection's projector, and what measures the lag of all of them, from settings."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, NamedTuple

from botocore.session import get_session

from lambdas.composition.publishing import kinesis_client
from lambdas.composition.settings import LagSettings, ProjectionSettings
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.retry import ATTEMPT_SECONDS, PAUSE_SECONDS, Deadline
from lambdas.projections.dynamodb.read_model import ReadModelTable, open_table
from lambdas.projections.registry import projection
from lambdas.projections.stream.consumer import StreamConsumer
from lambdas.projections.stream.measuring import LagMeter
from lambdas.projections.stream.projector import Projector

GAP_SECONDS: Final = ATTEMPT_SECONDS + 2 * PAUSE_SECONDS
"""For one page of missing events: an attempt that ends in the function's time. What fails is delivered again."""


class DeployedProjector(NamedTuple):
    """`consumer` takes batches; `projector` retries accounts that are stopped."""

    consumer: StreamConsumer
    projector: Projector[Any]


def deployed_projector(settings: ProjectionSettings) -> DeployedProjector:
    """The projector as it runs in AWS: one client for both tables. Raises UnknownProjectionError."""
    which, client = projection(settings.projection), dynamodb_client()
    table = open_table(client, settings.read_model_table, which)
    store = DynamoDBEventStore(client, event_table=settings.event_table)
    projector = Projector(
        which, table, table.control, DomainEventReader(store, new_deadline=partial(Deadline, GAP_SECONDS))
    )
    return DeployedProjector(StreamConsumer(projector, table.positions), projector)


def deployed_meter(settings: LagSettings) -> tuple[LagMeter, dict[str, ReadModelTable[Any]]]:
    """The meter as it runs in AWS, and the tables by projection. Raises UnknownProjectionError, SettingsError."""
    session = get_session()
    client = dynamodb_client(session)
    tables = {name: open_table(client, table, projection(name)) for name, table in settings.tables().items()}
    return LagMeter(kinesis_client(session), settings.domain_event_stream), tables
