"""Builds the service from its settings: the one place where the parts of a deployed function are chosen."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.config import Config
from botocore.session import get_session

from lambdas.commands import table as commands_table
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.dynamodb_items import InboxTable, ReceiptTable
from lambdas.eventsourcing.repository import Repository
from lambdas.eventsourcing.store import EventStore
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.service.account_service import AccountService
from lambdas.service.decider import ACCOUNT_DECIDER
from lambdas.service.settings import Settings


def dynamodb_client() -> Any:
    """A low-level DynamoDB client with short timeouts that never retries by itself: the store does, knowingly.

    The request shapes are the store's own and tested, so botocore need not validate them on every call.
    """
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        retries={"total_max_attempts": 1, "mode": "standard"},
        tcp_keepalive=True,
        parameter_validation=False,
    )
    return get_session().create_client("dynamodb", region_name=os.environ.get("AWS_REGION"), config=config)


def dynamodb_store(client: Any, settings: Settings) -> DynamoDBEventStore:
    """The event table, with receipts and stored commands in the commands table."""
    receipts = ReceiptTable(
        name=settings.commands_table,
        hash_key=commands_table.HASH_KEY,
        range_key=commands_table.RANGE_KEY,
        ttl_attribute=commands_table.TTL_ATTRIBUTE,
        prefix=commands_table.RECEIPT_PREFIX,
    )
    inbox = InboxTable(
        name=settings.commands_table,
        hash_key=commands_table.HASH_KEY,
        range_key=commands_table.RANGE_KEY,
        status_attribute=commands_table.STATUS,
        pending=commands_table.PENDING,
        cleared=(commands_table.FAILED_ON,),
    )
    return DynamoDBEventStore(client, event_table=settings.event_table, receipts=receipts, inbox=inbox)


def account_service(
    store: EventStore, settings: Settings, *, clock: Callable[[], datetime] = utc_now
) -> AccountService:
    """The service over any store."""
    repository = Repository(store, ACCOUNT_DECIDER, clock=clock, snapshot_interval=settings.snapshot_interval)
    return AccountService(repository, clock=clock)


def deployed_account_service(settings: Settings) -> AccountService:
    """The service as it runs in AWS."""
    return account_service(dynamodb_store(dynamodb_client(), settings), settings)
