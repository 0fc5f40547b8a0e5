"""Builds the account service, which the HTTP routes and the processor of stored commands use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from lambdas.composition.settings import Settings
from lambdas.eventsourcing.clock_check import ClockCheck
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.inbox.table import inbox_table, receipt_table
from lambdas.service.account_service import AccountService
from lambdas.service.decider import ACCOUNT_DECIDER


def dynamodb_store(client: Any, settings: Settings) -> DynamoDBEventStore:
    """The event table, with receipts and stored commands in the commands table."""
    return DynamoDBEventStore(
        client,
        event_table=settings.event_table,
        receipts=receipt_table(settings.commands_table),
        inbox=inbox_table(settings.commands_table),
    )


def account_service(
    store: EventStore, settings: Settings, *, clock: Callable[[], datetime] = utc_now
) -> AccountService:
    """The service on any event store."""
    repository = Repository(store, ACCOUNT_DECIDER, clock=clock, snapshot_interval=settings.snapshot_interval)
    return AccountService(repository, clock=clock)


def watched_client(check: ClockCheck) -> Any:
    """The event store's client, whose answers show whether this process's clock is right."""
    client = dynamodb_client()
    check.watch(client)
    return client


def deployed_account_service(settings: Settings, check: ClockCheck) -> AccountService:
    """The service as it runs in AWS."""
    return account_service(dynamodb_store(watched_client(check), settings), settings)
