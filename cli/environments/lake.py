"""Where SQL on the lake runs: the workgroup and database of the local system or of an environment in AWS."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cli.environments.clients import stack_outputs
from cli.environments.running import read_running
from cli.errors import PlaceError

LAKE_STACK = "Daybook-{environment}-Lake"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The URLs are an emulator's; None means AWS. With `region` None, AWS's own configuration names it."""

    athena_workgroup: str
    glue_database: str
    region: str | None = None
    athena_endpoint_url: str | None = None
    aws_endpoint_url: str | None = None


def target_in_file(path: Path) -> Target:
    """The target that an environment file describes. Raises PlaceError."""
    return read_running(path, Target, wanted=" with a lake", endpoint="athena_endpoint_url")


def target_in_aws(
    environment: str, *, region: str | None = None, workgroup: str | None = None, database: str | None = None
) -> Target:
    """The target in the options; what they leave out comes from the outputs of the lake stack. Raises PlaceError."""
    if workgroup is None or database is None:
        outputs = stack_outputs(LAKE_STACK.format(environment=environment), region)
        try:
            workgroup = workgroup or outputs["AthenaWorkgroupName"]
            database = database or outputs["GlueDatabaseName"]
        except KeyError as error:
            raise PlaceError(f"The lake stack of {environment} has no output {error.args[0]}.") from None
    return Target(athena_workgroup=workgroup, glue_database=database, region=region)
