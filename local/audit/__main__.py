"""`python -m local.audit`: advisories, licences and bills of materials, with files in `.local/audit`.

Exit status: 0 nothing was found, or advisories could not be asked for; 1 something was found, or a program failed.
"""

import json
import sys
from pathlib import Path

from local.audit import programs
from local.audit.advisories import read_npm_audit, read_pip_audit
from local.audit.licences import as_markdown, judge, npm_packages, python_packages, read_policy
from local.audit.verdict import Outcome, Verdict
from local.machine.errors import AuditError
from local.machine.exits import exit_status
from local.machine.layout import default_layout
from local.machine.progress import Progress
from local.setup.tools import prepare_tools

AUDITED = ("requirements.txt", "requirements-audit.txt", "requirements-clients.txt", "requirements-oracles.txt")
"""The functions' layer is a part of the first."""

BILLS = {
    "sbom-python.json": programs.bill_of_python,
    "sbom-functions.json": programs.bill_of_functions,
    "sbom-npm.json": programs.bill_of_npm,
}


def audit(progress: Progress) -> None:
    """Run all parts, say what each found. Raises AuditError after the last one, and InstallError."""
    prepare_tools(progress)
    folder = default_layout().state / "audit"
    folder.mkdir(parents=True, exist_ok=True)
    with progress.step("Writing the bills of materials"):
        for name, command in BILLS.items():
            (folder / name).write_text(programs.output_of(command()), encoding="utf-8")
    with progress.step("Listing the licences"):
        licences = _licences(folder)
    with progress.step("Asking for advisories"):
        verdicts = [licences, *(_python_advisories(lock) for lock in AUDITED), _npm_advisories()]
    for verdict in verdicts:
        for line in verdict.lines:
            progress.say(f"  {_mark(verdict):8} {line}")
    progress.say(f"The licences and the bills of materials (CycloneDX) are in {folder}.")
    if any(verdict.is_fatal for verdict in verdicts):
        raise AuditError("The audit found something. The lines above say what.")


def _licences(folder: Path) -> Verdict:
    python = python_packages(json.loads(programs.output_of(programs.pip_licenses())))
    npm = npm_packages(json.loads((folder / "sbom-npm.json").read_text(encoding="utf-8")))
    (folder / "licences.md").write_text(as_markdown([*python, *npm]), encoding="utf-8")
    return judge([*python, *npm], read_policy())


def _python_advisories(lock: str) -> Verdict:
    said = programs.run(programs.pip_audit(lock))
    return read_pip_audit(lock, said.output, said.errors)


def _npm_advisories() -> Verdict:
    said = programs.run(programs.npm_audit())
    return read_npm_audit(said.output, said.errors)


def _mark(verdict: Verdict) -> str:
    return {Outcome.GOOD: "good", Outcome.NOT_CHECKED: "warning"}.get(verdict.outcome, "problem")


def main() -> int:
    """Audit this repository."""
    return exit_status(lambda: audit(Progress()), when_interrupted="Nothing was changed but files of the audit itself.")


if __name__ == "__main__":
    sys.exit(main())
