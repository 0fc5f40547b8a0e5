"""What a check found: one form for all of them."""

from __future__ import annotations

import enum

import msgspec


class Severity(enum.Enum):
    """How bad a finding is. Everything but OK needs somebody's attention."""

    OK = "ok"
    WARNING = "warning"
    """It works without, but something that the environment promises does not hold."""
    PROBLEM = "problem"
    """A deployment fails, or calls do."""
    NOT_KNOWN = "not known"
    """AWS would not say."""


class Finding(msgspec.Struct, frozen=True):
    """What was found, why it matters, and the command that mends it. Where nothing is wrong, the latter are empty."""

    check: str
    severity: Severity
    found: str
    why: str = ""
    mend: str = ""


class Diagnosis(msgspec.Struct, frozen=True):
    """All findings, in the order of the checks."""

    environment: str
    findings: list[Finding]
