"""Runs tools/verify_proof.py in this process, on files of a small log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import verify_proof

Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Gives the exit status and what is printed, errors too."""

    def run(*arguments: str | Path) -> tuple[int, str]:
        status = verify_proof.main([str(each) for each in arguments])
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        assert printed.out.startswith({0: "yes: ", 1: "no: ", 2: ""}[status])
        return status, printed.out + printed.err

    return run


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    """Writes a file; gives its path."""

    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
