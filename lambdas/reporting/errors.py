"""Errors of the daily report. Every message is a sentence for an operator."""

from __future__ import annotations


class ReportError(Exception):
    """A report was not written."""


class InvalidDayError(ReportError):
    """The request names no day that can be reported on."""


class UnexpectedRowsError(ReportError):
    """A query returned rows that do not fit the report."""


class PublishError(ReportError):
    """The files could not be written."""


class ReportsFailedError(ReportError):
    """At least one of several reports was not written; the others were."""
