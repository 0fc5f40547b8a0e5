"""Opens Athena, where the report's figures come from, and the bucket for its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from cli.environments.clients import client
from cli.environments.lake import Target
from cli.environments.running import read_running
from cli.errors import UsageError
from cli.options import LOCAL, Where
from lambdas.athena.queries import Athena
from lambdas.composition.clients import RETRIES
from lambdas.reporting.report import Bucket, Queries, Shelf


class _File(msgspec.Struct):
    report_bucket: str | None = None


def open_athena(target: Target) -> Queries:
    """Athena in AWS or on the emulator. Raises PlaceError."""
    athena = _client("athena", target, target.athena_endpoint_url or target.aws_endpoint_url)
    return Athena(athena, workgroup=target.athena_workgroup, database=target.glue_database)


def open_bucket(target: Target, name: str) -> Shelf:
    """A bucket in AWS or on the emulator. Raises PlaceError."""
    return Bucket(_client("s3", target, target.aws_endpoint_url), name)


def bucket_name(where: Where, given: str | None) -> str:
    """The bucket to write to: the one given, or the local system's own. Raises UsageError, PlaceError."""
    found = given
    if found is None and where.env == LOCAL:
        found = read_running(Path(where.environment_file), _File).report_bucket
    if found is None:
        raise UsageError("Say where to write: --output FOLDER, or --bucket NAME.")
    return found


def _client(service: str, target: Target, endpoint_url: str | None) -> Any:
    return client(service, target.region, endpoint_url, RETRIES)
