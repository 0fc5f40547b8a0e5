"""Prints a diagnosis for people: a line for what is in order, a paragraph for what is not."""

from __future__ import annotations

from cli.doctor.finding import Diagnosis, Finding
from cli.output import Output


def show(diagnosis: Diagnosis, output: Output) -> None:
    """Severity, name and what was found; below, if it matters, why, and the command that mends it."""
    width = max(len(each.severity.value) for each in diagnosis.findings)
    names = max(len(each.check) for each in diagnosis.findings)
    for each in diagnosis.findings:
        for line in _lines(each, width, names):
            output.line(line)


def _lines(finding: Finding, width: int, names: int) -> list[str]:
    lines = [f"{finding.severity.value:{width}}  {finding.check:{names}}  {finding.found}"]
    indent = " " * (width + 2)
    if finding.why:
        lines.append(f"{indent}why: {finding.why}")
    if finding.mend:
        lines.append(f"{indent}do:  {finding.mend}")
    return lines
