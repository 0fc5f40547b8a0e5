"""Objects of the log are checked side by side, and what is found is told in their order."""

from __future__ import annotations

from functools import partial
from threading import Event

import pytest

from lambdas.transparency.errors import LogUnavailableError
from lambdas.verification.findings import Finding, Findings
from lambdas.verification.object_checks import AT_ONCE, ObjectChecks

DEADLINE = 30.0


def _finding(number: int) -> Finding:
    return Finding("log", f"tile {number}", 0, "is missing")


def test_a_check_does_not_wait_for_the_one_before() -> None:
    findings = Findings()
    checks = ObjectChecks(findings)
    second = Event()

    def first_one() -> Finding:
        assert second.wait(DEADLINE)
        return _finding(1)

    def second_one() -> Finding:
        second.set()
        return _finding(2)

    checks.add(first_one)
    checks.add(second_one)
    checks.carry_out()
    assert findings.named == [_finding(1), _finding(2)]


def test_only_so_many_wait() -> None:
    findings = Findings()
    checks = ObjectChecks(findings)
    for number in range(AT_ONCE + 1):
        checks.add(partial(_finding, number))
    assert findings.total == AT_ONCE
    checks.carry_out()
    checks.carry_out()
    assert findings.named == [_finding(number) for number in range(AT_ONCE + 1)]


def test_what_a_check_raises() -> None:
    def refused() -> None:
        raise LogUnavailableError("no")

    checks = ObjectChecks(Findings())
    checks.add(refused)
    with pytest.raises(LogUnavailableError):
        checks.carry_out()
