"""Reads the log lines of the deployed functions from the emulator's CloudWatch Logs."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.trace.log_lines import fields_about
from local.emulator import aws
from local.machine.environment import Environment
from local.machine.errors import NotRunningError

_NEWEST = 50


def newest_lines(environment: Environment) -> list[str]:
    """The last 50 lines of all functions, oldest first. Raises NotRunningError."""
    return _lines(environment)[-_NEWEST:]


def correlated_lines(environment: Environment, correlation_id: str) -> list[str]:
    """All lines of all functions with this correlation id, oldest first. Raises NotRunningError."""
    return [line for line in _lines(environment) if fields_about(line, correlation_id) is not None]


def _lines(environment: Environment) -> list[str]:
    try:
        events = _events(aws.client(environment, "logs"))
    except (BotoCoreError, ClientError) as error:
        raise NotRunningError(f"The logs could not be read: {error}") from error
    events.sort(key=lambda event: event["timestamp"])
    return [event["message"].rstrip() for event in events]


def _events(client: Any) -> list[dict[str, Any]]:
    return [
        event
        for groups in client.get_paginator("describe_log_groups").paginate()
        for group in groups["logGroups"]
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for event in page["events"]
    ]
