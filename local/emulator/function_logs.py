"""The newest lines that the deployed functions wrote, as the emulator's CloudWatch Logs keeps them."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.emulator import aws
from local.machine.environment import Environment
from local.machine.errors import NotRunningError

_NEWEST = 50


def newest_lines(environment: Environment) -> list[str]:
    """The last 50 lines over all log groups, oldest first. Raises NotRunningError."""
    try:
        events = _events(aws.client(environment, "logs"))
    except (BotoCoreError, ClientError) as error:
        raise NotRunningError(f"The logs could not be read: {error}") from error
    events.sort(key=lambda event: event["timestamp"])
    return [event["message"].rstrip() for event in events[-_NEWEST:]]


def _events(client: Any) -> list[dict[str, Any]]:
    return [
        event
        for groups in client.get_paginator("describe_log_groups").paginate()
        for group in groups["logGroups"]
        for page in client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for event in page["events"]
    ]
