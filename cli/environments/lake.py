"""Where statements are run: the workgroup and database of the running local system, or of an environment in AWS."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import boto3
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

LOCAL: Final = "local"
ELSEWHERE: Final = ("workgroup", "database", "region")
"""Options that go with another environment than local."""
LAKE_STACK = "Daybook-{environment}-Lake"


class SqlError(Exception):
    """A statement cannot be run, or failed. The message is one sentence for the person who asked."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """`region` None: as AWS's own tools find it. The URLs stand for an emulator; None is AWS."""

    athena_workgroup: str
    glue_database: str
    region: str | None = None
    athena_endpoint_url: str | None = None
    aws_endpoint_url: str | None = None


def target_in_file(path: Path) -> Target:
    """The target that an environment file describes. Raises SqlError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Target)
    except OSError as error:
        raise SqlError(
            f"Cannot read {path} ({error.strerror}): is the system running? `make run` starts it."
        ) from error
    except msgspec.MsgspecError as error:
        raise SqlError(f"{path} does not describe a running system with a lake: {error}.") from error


def target_in_aws(
    environment: str, *, region: str | None = None, workgroup: str | None = None, database: str | None = None
) -> Target:
    """The target that the outputs of an environment's lake stack name, where the options do not. Raises SqlError."""
    if workgroup is None or database is None:
        outputs = stack_outputs(LAKE_STACK.format(environment=environment), region)
        try:
            workgroup = workgroup or outputs["AthenaWorkgroupName"]
            database = database or outputs["GlueDatabaseName"]
        except KeyError as error:
            raise SqlError(f"The lake stack of {environment} has no output {error.args[0]}.") from None
    return Target(athena_workgroup=workgroup, glue_database=database, region=region)


def target_of(options: argparse.Namespace) -> Target:
    """The target that `--env`, `--environment-file` and the options of ELSEWHERE name. Raises SqlError."""
    given = {name: getattr(options, name) for name in ELSEWHERE}
    if options.env != LOCAL:
        return target_in_aws(options.env, **given)
    for name, value in given.items():
        if value is not None:
            raise SqlError(f"--{name} goes with --env dev, staging or prod.")
    return target_in_file(options.environment_file)


def emulated(endpoint_url: str | None) -> dict[str, str]:
    """Settings of a client of an emulator, which takes any credentials; nothing for AWS."""
    if endpoint_url is None:
        return {}
    return {"endpoint_url": endpoint_url, "aws_access_key_id": "local", "aws_secret_access_key": "local"}


def plain(error: Exception) -> str:
    """What an error says, to be the end of a sentence: without its full stop."""
    return str(error).rstrip(". ")


def stack_outputs(stack: str, region: str | None, endpoint_url: str | None = None) -> dict[str, str]:
    """The outputs of a stack by name. Raises SqlError."""
    try:
        client = boto3.client("cloudformation", region_name=region, **emulated(endpoint_url))
        (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        reason = error.response["Error"].get("Message", "no reason given").rstrip(".")
        raise SqlError(f"The outputs of {stack} cannot be read: {reason}.") from error
    except (BotoCoreError, ValueError) as error:
        raise SqlError(f"AWS cannot be asked for the outputs of {stack}: {plain(error)}.") from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
