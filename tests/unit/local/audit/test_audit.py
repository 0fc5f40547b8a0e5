"""The whole audit with stand-ins for its programs: files, lines and exit statuses."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from local.audit import __main__ as command
from local.audit import programs
from local.audit.programs import Said
from local.machine.errors import AuditError
from local.machine.layout import STATE_VARIABLE

GOOD_PIP = {"dependencies": [{"name": "a", "version": "1", "vulns": []}]}
UNKNOWN_PIP = {"dependencies": [{"name": "a", "skip_reason": "not found"}]}
BAD_PIP = {"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": []}]}]}
GOOD_NPM = {"auditReportVersion": 2, "vulnerabilities": {}}


class Programs:
    """Stand-ins, by the name of the program and its first argument."""

    def __init__(self) -> None:
        self.said = {
            "pip-audit --disable-pip": Said(json.dumps(GOOD_PIP), "", 0),
            "npm audit": Said(json.dumps(GOOD_NPM), "", 0),
            "npm sbom": Said(json.dumps({"components": []}), "", 0),
            "cyclonedx-py environment": Said("{}", "", 0),
            "cyclonedx-py requirements": Said("{}", "", 0),
            "pip-licenses": Said(json.dumps([{"Name": "a", "Version": "1", "License": "MIT"}]), "", 0),
        }

    def __call__(self, arguments: Sequence[str]) -> Said:
        call = " ".join([Path(arguments[0]).name, *arguments[1:]])
        [found] = [said for start, said in self.said.items() if call.startswith(start)]
        return found


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Programs:
    """All is well, unless a test says otherwise."""
    made = Programs()
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(command, "prepare_tools", lambda _: None)
    monkeypatch.setattr(programs, "run", made)
    return made


def test_all_is_well_and_the_files_are_there(stand_ins: Programs, tmp_path: Path) -> None:
    assert command.main() == 0
    written = {file.name for file in (tmp_path / "audit").iterdir()}
    assert written == {"licences.md", "sbom-python.json", "sbom-functions.json", "sbom-npm.json"}


def test_without_advisories_the_audit_warns_and_succeeds(
    stand_ins: Programs, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_ins.said["pip-audit --disable-pip"] = Said(json.dumps(UNKNOWN_PIP), "", 0)
    stand_ins.said["npm audit"] = Said(json.dumps({"message": "getaddrinfo EAI_AGAIN h"}), "", 1)
    assert command.main() == 0
    assert capsys.readouterr().out.count("were not checked") == len(command.AUDITED) + 1


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("pip-audit --disable-pip", Said(json.dumps(BAD_PIP), "", 1)),
        ("pip-audit --disable-pip", Said("", "Traceback", 1)),
        ("pip-audit --disable-pip", Said("", "", 0)),
        ("npm audit", Said(json.dumps({"message": "broken"}), "", 1)),
        ("npm sbom", Said("", "npm error code EINVALIDPURLTYPE", 1)),
        ("cyclonedx-py environment", Said("", "broken", 2)),
        ("pip-licenses", Said(json.dumps([{"Name": "a", "Version": "1", "License": "GPL-3.0-only"}]), "", 0)),
        ("pip-licenses", Said("[]", "", 0)),
    ],
)
def test_anything_else_fails(stand_ins: Programs, program: str, said: Said) -> None:
    stand_ins.said[program] = said
    assert command.main() == 1


def test_a_vulnerability_is_fatal_even_when_npm_is_not_reached(stand_ins: Programs) -> None:
    stand_ins.said["pip-audit --disable-pip"] = Said(json.dumps(BAD_PIP), "", 1)
    stand_ins.said["npm audit"] = Said(json.dumps({"message": "getaddrinfo EAI_AGAIN h"}), "", 1)
    assert command.main() == 1


def test_a_program_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="could not be started"):
        programs.run([str(tmp_path / "absent")])


def test_a_program_that_fails_is_a_sentence_with_its_last_words() -> None:
    with pytest.raises(AuditError, match=r"sh failed \(exit status 3\)") as failed:
        programs.output_of(["/bin/sh", "-c", "echo why >&2; exit 3"])
    assert failed.value.detail == "why"
