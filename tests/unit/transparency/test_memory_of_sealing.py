"""What a sealer has in memory does not grow with the leaves that it finds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
FLAT_BYTES = 12_000_000
"""Between two processes. 210,000 leaves in memory would take five times as much."""

pytestmark = pytest.mark.programs


def sealed(accounts: int, events: int, folder: Path) -> dict[str, int]:
    """What a process took that does nothing else."""
    program = [sys.executable, "-m", "tests.support.memory_of_sealing", str(accounts), str(events), str(folder)]
    ended = subprocess.run(program, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    said: dict[str, int] = json.loads(ended.stdout)
    return said


def test_280_000_leaves_take_no_more_memory_than_70_000(tmp_path: Path) -> None:
    few, many = sealed(70, 1000, tmp_path / "few"), sealed(70, 4000, tmp_path / "many")
    assert (few["seals"], many["seals"], many["leaves"]) == (2, 5, 280_000)
    assert many["memory"] - few["memory"] < FLAT_BYTES, (few, many)
