"""Builds the account service, which the HTTP routes and the processor of stored commands use, and the API's store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from lambdas.composition.proving import deployed_prover
from lambdas.composition.read_models import ReadModels, read_models
from lambdas.composition.settings import ApiSettings, LedgerSettings
from lambdas.eventsourcing.clock_check import ClockCheck
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.inbox.openings import StoredOpenings
from lambdas.service.account_service import AccountService
from lambdas.service.decider import ACCOUNT_DECIDER
from lambdas.transparency.proving import Prover


def api_store(client: Any, settings: ApiSettings) -> DynamoDBEventStore:
    """The event table, with receipts in a table of their own. It ends no stored command."""
    return DynamoDBEventStore(client, event_table=settings.event_table, receipt_table=settings.receipts_table)


def account_service(
    store: EventStore, settings: LedgerSettings, *, clock: Callable[[], datetime] = utc_now
) -> AccountService:
    """The service on any event store."""
    repository = Repository(store, ACCOUNT_DECIDER, clock=clock, snapshot_interval=settings.snapshot_interval)
    return AccountService(repository, clock=clock, test_callers=settings.test_caller_ids())


def watched_client(check: ClockCheck) -> Any:
    """The event store's client, whose answers show whether this process's clock is right."""
    client = dynamodb_client()
    check.watch(client)
    return client


class Api(NamedTuple):
    """What the HTTP API works with."""

    service: AccountService
    openings: StoredOpenings
    read_models: ReadModels
    prover: Callable[[], Prover]


def deployed_api(settings: ApiSettings, check: ClockCheck) -> Api:
    """The HTTP API's parts as they run in AWS, on one client: the service, its look for accounts that are about to be
    opened, what reads read models, and what proves events. No request is made."""
    client = watched_client(check)
    return Api(
        account_service(api_store(client, settings), settings),
        StoredOpenings(client, settings.commands_table),
        read_models(client, settings.read_model_tables),
        deployed_prover(client, settings),
    )
