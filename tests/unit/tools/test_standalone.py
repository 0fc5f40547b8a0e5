"""tools/verify_proof.py needs Python and nothing else, and starts at once."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from local.machine.layout import REPOSITORY
from tests.support.tiny_log import TinyLog, entry, rows, rows_file

FILE = REPOSITORY / "tools" / "verify_proof.py"
SLOW = {"argparse", "base64", "dataclasses", "inspect", "json", "pathlib", "re", "typing"}
"""Modules that take longer to import than a proof to check."""


def alone(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the file without packages, the user's settings and the repository."""
    line = [sys.executable, "-I", "-S", "-W", "error", FILE, *arguments]
    return subprocess.run(line, cwd=folder, env={}, capture_output=True, text=True, encoding="utf-8", check=False)


def test_it_runs_without_packages_and_without_the_repository(tmp_path: Path) -> None:
    log, chain = TinyLog(), rows(3)
    log.seal(*(entry(row) for row in chain))
    folder = log.write(tmp_path / "log")
    (tmp_path / "h").write_bytes(rows_file(log, chain))
    (tmp_path / "p").write_bytes(log.proof(1))
    for arguments in (["p"], ["h"], ["rows", "h", "--log", folder], [folder]):
        done = alone(*arguments, "--key", log.vkey, folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), arguments
        assert done.stdout.startswith("yes: ")


def test_it_imports_the_standard_library_only() -> None:
    tree = ast.parse(FILE.read_text("utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "."]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported == {"__future__", "binascii", "hashlib", "json", "os", "sys", "typing"}
    assert imported <= sys.stdlib_module_names


def test_a_proof_is_checked_without_slow_imports(tmp_path: Path) -> None:
    log = TinyLog()
    log.seal("entry")
    (tmp_path / "p").write_bytes(log.proof(0))
    program = (
        "import sys; sys.argv = sys.argv[1:]; content = open(sys.argv[0]).read()\n"
        "try: exec(compile(content, sys.argv[0], 'exec'), {'__name__': '__main__'})\n"
        "except SystemExit as done: assert done.code == 0\n"
        "print(*sys.modules)"
    )
    line = [sys.executable, "-I", "-S", "-c", program, str(FILE), "p", "--key", log.vkey]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert SLOW & set(done.stdout.splitlines()[-1].split()) == set()


def test_it_can_be_read_by_python_3_9() -> None:
    ast.parse(FILE.read_text("utf-8"), feature_version=(3, 9))


def test_it_is_one_file_that_can_be_started() -> None:
    assert FILE.read_text("utf-8").startswith("#!/usr/bin/env python3\n")
    assert FILE.stat().st_mode & 0o100
    assert [path.name for path in FILE.parent.glob("*.py")] == ["verify_proof.py"]
