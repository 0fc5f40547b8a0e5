"""Errors of queries. Every message is a sentence for an operator."""

from __future__ import annotations


class QueryError(Exception):
    """Athena did not answer a query with rows."""


class QueryFailedError(QueryError):
    """Athena refused, failed or cancelled the query."""


class ScanLimitError(QueryFailedError):
    """The query passed the workgroup's limit of bytes scanned, and Athena cancelled it."""


class QueryTimeoutError(QueryError):
    """The query did not end in time, and was stopped."""


class AthenaUnavailableError(QueryError):
    """The request to Athena failed."""
