"""What a function imports when it starts: no more than a request needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.unit.httpapi.suite.in_process import ENVIRONMENT

REPOSITORY = Path(__file__).parents[3]
UNWANTED = {"boto3", "s3transfer", "pydantic", "aws_xray_sdk", "hypothesis"}
GENERATORS = {f"lambdas.contracts.{name}" for name in ("command_model", "components", "generate", "lake", "openapi")}
PRINT_MODULES = "import sys, lambdas.handlers.accounts_api; print(*sys.modules, sep='\\n')"


def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", PRINT_MODULES],
        env=inherited | environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_handler_imports_nothing_heavy() -> None:
    started = start(ENVIRONMENT)
    assert started.returncode == 0, started.stderr
    assert set(started.stdout.split()) & (UNWANTED | GENERATORS) == set()


def test_a_missing_variable_is_named_at_start() -> None:
    started = start({name: value for name, value in ENVIRONMENT.items() if name != "EVENT_TABLE"})
    assert started.returncode != 0
    assert "environment variables are not set: EVENT_TABLE" in started.stderr
