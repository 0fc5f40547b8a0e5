"""Errors of the daily report. Every message is a sentence for an operator."""

from __future__ import annotations


class ReportError(Exception):
    """A report was not written."""


class InvalidDayError(ReportError):
    """The request names no day that can be reported on."""


class QueryError(ReportError):
    """Athena did not answer a query with rows."""


class QueryFailedError(QueryError):
    """Athena refused, failed or cancelled the query."""


class ScanLimitError(QueryFailedError):
    """The query passed the workgroup's limit of bytes scanned, and Athena cancelled it."""


class QueryTimeoutError(QueryError):
    """The query did not end in time, and was stopped."""


class AthenaUnavailableError(QueryError):
    """The request to Athena failed."""


class UnexpectedRowsError(ReportError):
    """A query returned rows that do not fit the report."""


class PublishError(ReportError):
    """The files could not be written."""


class ReportsFailedError(ReportError):
    """At least one of several reports was not written; the others were."""
