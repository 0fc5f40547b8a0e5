"""Builds the processor of stored commands, and the marker of failed ones, from their settings."""

from __future__ import annotations

import os
from typing import Any

from botocore.config import Config
from botocore.session import get_session

from lambdas.composition.accounts import account_service, watched_client
from lambdas.composition.settings import FailuresSettings, ProcessorSettings
from lambdas.eventsourcing.clock_check import ClockCheck
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.eventsourcing.transport import strict
from lambdas.inbox.marking import FailureMarker
from lambdas.inbox.processor import CommandProcessor
from lambdas.inbox.table import inbox_table


def processor_store(client: Any, settings: ProcessorSettings) -> DynamoDBEventStore:
    """The event table, and the commands table in which stored commands end. It puts no receipt."""
    return DynamoDBEventStore(client, event_table=settings.event_table, inbox=inbox_table(settings.commands_table))


def deployed_processor(settings: ProcessorSettings, check: ClockCheck) -> CommandProcessor:
    """The processor as it runs in AWS."""
    service = account_service(processor_store(watched_client(check), settings), settings)
    return CommandProcessor(service, clock=utc_now)


def repeating_client(service: str) -> Any:
    """A low-level client with botocore's retries: reading an object and marking a row are idempotent."""
    config = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 4, "mode": "standard"})
    return strict(get_session().create_client(service, region_name=os.environ.get("AWS_REGION"), config=config))


def deployed_marker(settings: FailuresSettings) -> FailureMarker:
    """The marker as it runs in AWS."""
    return FailureMarker(repeating_client("dynamodb"), settings.commands_table, clock=utc_now)
