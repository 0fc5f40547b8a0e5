"""Checks of the log's objects, many at a time: a log of years has many small ones, and each takes a request to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from lambdas.eventsourcing.table_requests import in_parallel
from lambdas.verification.findings import Finding, Findings

AT_ONCE: Final = 64
"""Checks that wait at most: so many tiles and bundles are in memory, some 2 MB."""

Check: TypeAlias = Callable[[], Finding | None]


class ObjectChecks:
    """Carries checks out side by side, and tells what they find in the order in which they were added."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._waiting: list[Check] = []

    def add(self, check: Check) -> None:
        """Carry out a check soon. Raises what checks raise that were added before."""
        self._waiting.append(check)
        if len(self._waiting) == AT_ONCE:
            self.carry_out()

    def carry_out(self) -> None:
        """Carry out all that wait."""
        waiting, self._waiting = self._waiting, []
        for found in in_parallel(_carried_out, waiting):
            if found is not None:
                self._findings.tell(found)


def _carried_out(check: Check) -> Finding | None:
    return check()
