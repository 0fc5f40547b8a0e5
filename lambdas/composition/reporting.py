"""Builds the parts of the report from settings."""

from __future__ import annotations

from lambdas.athena.queries import Athena
from lambdas.composition.clients import client
from lambdas.composition.settings import ReportSettings
from lambdas.reporting.report import Bucket


def deployed_athena(settings: ReportSettings) -> Athena:
    """The Athena client of the deployed function."""
    return Athena(client("athena"), workgroup=settings.athena_workgroup, database=settings.glue_database)


def deployed_bucket(settings: ReportSettings) -> Bucket:
    """The report bucket of the deployed function."""
    return Bucket(client("s3"), settings.report_bucket)
