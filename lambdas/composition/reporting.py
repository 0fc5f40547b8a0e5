"""Builds the parts of the report from settings."""

from __future__ import annotations

from typing import Any, Final

from botocore.config import Config
from botocore.session import get_session

from lambdas.athena.queries import Athena
from lambdas.composition.settings import ReportSettings
from lambdas.eventsourcing.transport import strict
from lambdas.reporting.report import Bucket

RETRIES: Final = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 5, "mode": "standard"})
"""A report is not urgent and each of its requests may be sent twice, so botocore's own retries are enough."""


def client(service: str) -> Any:
    """A low-level client of an AWS service, configured by the function's environment."""
    return strict(get_session().create_client(service, config=RETRIES))


def deployed_athena(settings: ReportSettings) -> Athena:
    """The Athena client of the deployed function."""
    return Athena(client("athena"), workgroup=settings.athena_workgroup, database=settings.glue_database)


def deployed_bucket(settings: ReportSettings) -> Bucket:
    """The report bucket of the deployed function."""
    return Bucket(client("s3"), settings.report_bucket)
