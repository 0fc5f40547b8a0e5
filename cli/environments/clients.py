"""Clients of an environment's services in AWS, or of the emulator, which takes any credentials."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import PlaceError, plain
from lambdas.eventsourcing.transport import strict


def client(
    service: str,
    region: str | None,
    endpoint_url: str | None = None,
    config: Config | None = None,
    *,
    bound: bool = False,
) -> Any:
    """A low-level client; `bound`: see transport.strict. Raises PlaceError when AWS's configuration is not complete."""
    try:
        settings = emulated(endpoint_url) | ({} if config is None else {"config": config})
        return strict(boto3.client(service, region_name=region, **settings), bound=bound)
    except (BotoCoreError, ValueError) as error:
        raise PlaceError(f"AWS's configuration is not complete: {plain(error)}.") from error


def emulated(endpoint_url: str | None) -> dict[str, Any]:
    """Settings of a client of an emulator; empty for AWS."""
    if endpoint_url is None:
        return {}
    return {"endpoint_url": endpoint_url, "aws_access_key_id": "local", "aws_secret_access_key": "local"}


def stack_outputs(stack: str, region: str | None, endpoint_url: str | None = None) -> dict[str, str]:
    """The outputs of a stack by name. Raises PlaceError."""
    try:
        cloudformation = boto3.client("cloudformation", region_name=region, **emulated(endpoint_url))
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        reason = error.response["Error"].get("Message", "no reason given").rstrip(".")
        raise PlaceError(f"The outputs of {stack} cannot be read: {reason}.") from error
    except (BotoCoreError, ValueError) as error:
        raise PlaceError(f"The request for the outputs of {stack} failed: {plain(error)}.") from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def stack_resources(stack: str, kind: str, region: str | None, endpoint_url: str | None = None) -> list[str]:
    """The names of a stack's resources of a kind, such as `AWS::Logs::LogGroup`. Raises PlaceError."""
    cloudformation = client("cloudformation", region, endpoint_url)
    try:
        pages = list(cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack))
    except ClientError as error:
        reason = error.response["Error"].get("Message", "no reason given").rstrip(".")
        raise PlaceError(f"The resources of {stack} cannot be listed: {reason}.") from error
    except BotoCoreError as error:
        raise PlaceError(f"The request for the resources of {stack} failed: {plain(error)}.") from error
    found = (each for page in pages for each in page["StackResourceSummaries"])
    return [each["PhysicalResourceId"] for each in found if each["ResourceType"] == kind]
