"""Builds what rebuilds a projection's read model, from settings."""

from __future__ import annotations

from typing import Any, Final

from lambdas.composition.settings import ProjectionSettings
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.item_walk import PAGE_ROWS
from lambdas.eventsourcing.table_walk import DynamoDBTableWalk
from lambdas.projections.dynamodb.read_model import open_table
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.rebuild import Rebuild
from lambdas.projections.registry import projection

REMEMBERED_ROWS: Final = 2 * PAGE_ROWS
"""The accounts of a page, and of the one before: an account's rows stand together."""


def deployed_rebuild(settings: ProjectionSettings) -> Rebuild[Any]:
    """The rebuild as it runs in AWS: one client for both tables. Raises UnknownProjectionError."""
    which, client = projection(settings.projection), dynamodb_client()
    table = open_table(client, settings.read_model_table, which)
    reader = DomainEventReader(DynamoDBEventStore(client, event_table=settings.event_table))
    return Rebuild(
        DynamoDBTableWalk(client, event_table=settings.event_table),
        AccountFolder(which, table, reader, remembered_rows=REMEMBERED_ROWS),
        table,
        table.control,
        table.segments,
        event_table=settings.event_table,
    )
