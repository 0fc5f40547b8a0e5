"""The programs that the audit runs: pip-audit, pip-licenses, cyclonedx-py and npm."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.machine.errors import AuditError
from local.machine.layout import REPOSITORY
from local.setup.install import VENV
from local.setup.tools import TOOLS

_TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Said:
    """What a program wrote to its standard output and its standard error, and its exit status."""

    output: str
    errors: str
    status: int


def run(command: Sequence[str]) -> Said:
    """Run a program to its end. Raises AuditError when it cannot be started or takes too long."""
    environment = {**os.environ, "PATH": f"{VENV.place / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    try:
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except OSError as error:
        raise AuditError(f"{command[0]} could not be started: {error.strerror}.") from error
    except subprocess.TimeoutExpired:
        raise AuditError(f"{command[0]} did not end within {_TIMEOUT_SECONDS} seconds.") from None
    return Said(done.stdout, done.stderr, done.returncode)


def output_of(command: Sequence[str]) -> str:
    """The standard output of a program that must succeed. Raises AuditError."""
    said = run(command)
    if said.status != 0:
        name = Path(command[0]).name
        raise AuditError(f"{name} failed (exit status {said.status}).", detail=said.errors.strip()[-1000:])
    return said.output


def pip_audit(lock: str) -> list[str]:
    """Asks for advisories on every package of a lock file; nothing is installed or resolved."""
    quiet = ["--progress-spinner", "off", "--format", "json"]
    return [TOOLS.program("pip-audit"), "--disable-pip", "--require-hashes", *quiet, "--requirement", lock]


def npm_audit() -> list[str]:
    """Asks for advisories on the packages of package-lock.json."""
    return [VENV.program("npm"), "audit", "--json"]


def pip_licenses() -> list[str]:
    """The licences of what is installed in .venv."""
    where = f"--python={VENV.python}"
    return [
        TOOLS.program("pip-licenses"),
        where,
        "--from=mixed",
        "--format=json",
        "--with-system",
        "--ignore",
        "daybook",
    ]


def bill_of_python() -> list[str]:
    """CycloneDX of what is installed in .venv."""
    options = ["--pyproject", "pyproject.toml", "--output-reproducible", "--output-format", "JSON"]
    return [TOOLS.program("cyclonedx-py"), "environment", *options, VENV.python]


def bill_of_functions() -> list[str]:
    """CycloneDX of the packages that the deployed functions carry."""
    options = ["--pyproject", "pyproject.toml", "--output-reproducible", "--output-format", "JSON"]
    return [TOOLS.program("cyclonedx-py"), "requirements", *options, "lambdas/requirements.txt"]


def bill_of_npm() -> list[str]:
    """CycloneDX of the packages of package-lock.json."""
    return [VENV.program("npm"), "sbom", "--sbom-format", "cyclonedx"]
