"""Reads the log lines of the deployed functions from the emulator's CloudWatch Logs.

Of a group, ministack 1.5.33 gives the oldest 10,000 events that match, and no token for the others. So what is asked
for has to match few: a correlation id, or a short time.
"""

import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.trace.log_lines import fields_about
from local.emulator import aws
from local.machine.environment import Environment
from local.machine.errors import NotRunningError

_NEWEST = 50
_MINUTES = (1, 10, 100)
"""How far back the newest lines are looked for, before all are read."""


def newest_lines(environment: Environment) -> list[str]:
    """The last 50 lines of all functions, oldest first. Raises NotRunningError."""
    for minutes in _MINUTES:
        lines = _lines(environment, startTime=int((time.time() - 60 * minutes) * 1000))
        if len(lines) >= _NEWEST:
            return lines[-_NEWEST:]
    return _lines(environment)[-_NEWEST:]


def correlated_lines(environment: Environment, correlation_id: str) -> list[str]:
    """All lines of all functions with this correlation id, oldest first. Raises NotRunningError."""
    term = correlation_id.replace('"', "")
    lines = _lines(environment, filterPattern=f'"{term}"')
    return [line for line in lines if fields_about(line, correlation_id) is not None]


def _lines(environment: Environment, **wanted: Any) -> list[str]:
    try:
        events = _events(aws.client(environment, "logs"), wanted)
    except (BotoCoreError, ClientError) as error:
        raise NotRunningError(f"The logs could not be read: {error}") from error
    events.sort(key=lambda event: event["timestamp"])
    return [event["message"].rstrip() for event in events]


def _events(client: Any, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        event
        for groups in client.get_paginator("describe_log_groups").paginate()
        for group in groups["logGroups"]
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"], **wanted)
        for event in page["events"]
    ]
