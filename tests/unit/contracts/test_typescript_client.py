"""The types that openapi-typescript makes from the contract say what a program needs: one is checked against them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lambdas.contracts.openapi import OPENAPI_FILE
from local.setup.install import NODE_MODULES

pytestmark = pytest.mark.programs

PROGRAM = Path(__file__).parent / "typescript_client.ts"


def run(program: str, *arguments: str, folder: Path) -> str:
    """What a program of node_modules prints. Fails if it fails."""
    command = [str(NODE_MODULES / ".bin" / program), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_program_has_the_types_that_it_needs(tmp_path: Path) -> None:
    said = run("openapi-typescript", str(OPENAPI_FILE), "--output", "daybook.ts", folder=tmp_path)
    assert "warn" not in said.lower()
    shutil.copy(PROGRAM, tmp_path)
    options = ["--noEmit", "--strict", "--module", "esnext", "--moduleResolution", "bundler"]
    run("tsc", *options, PROGRAM.name, folder=tmp_path)
