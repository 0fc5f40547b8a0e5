"""What `make run` shows of the transparency log, with the checker that an auditor runs."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli.aws import AWS
from cli.environments.log import Log
from cli.environments.place import Place
from cli.errors import CommandError
from cli.options import LOCAL
from cli.seal.sealing import Sealer
from lambdas.transparency.findings import Sealed
from lambdas.transparency.leaves import RowLeaf
from local.example import proof
from local.machine.errors import ExampleFailedError
from local.machine.progress import Progress
from tests.support.sealed_log import SealedLog
from tests.support.workloads import accounts

(ACCOUNT,) = accounts(1)
ROWS = [RowLeaf(ACCOUNT, version, bytes([version]) * 32) for version in range(1, 25)]


class Running(AWS):
    """A log that seals `rows` when it is told to."""

    def __init__(self, rows: list[RowLeaf]) -> None:
        self.rows, self.sealed = rows, SealedLog()
        self.asked: list[Mapping[str, Any]] = []

    def sealer(self, place: Place) -> Sealer:
        return self._seal

    def _seal(self, event: Mapping[str, Any]) -> Sealed:
        self.asked.append(event)
        signed = self.sealed.seal(self.rows)
        return Sealed(
            seals=(0,), leaves=len(self.rows), size=len(self.rows), root="", checkpoint=signed.decode(),
            vkey=self.sealed.key, holes=(), hole_count=0, overdue_count=0, forks=(), fork_count=0, complete=True,
        )  # fmt: skip

    def transparency_log(self, place: Place) -> Log:
        return self.sealed.log


def show(running: Running, folder: Path) -> str:
    out = io.StringIO()
    proof.show(
        Place(LOCAL, Path()), ACCOUNT, 24, folder, Progress(io.StringIO()), Console(file=out, width=80),
        connections=running,
    )  # fmt: skip
    return out.getvalue()


def test_it_says_yes_and_of_the_edited_file_no(tmp_path: Path) -> None:
    running = Running(ROWS)
    shown = show(running, tmp_path / "proof")
    assert running.asked[0]["through"].endswith("Z")
    assert all(len(line) <= 80 and line == line.rstrip() for line in shown.splitlines())
    assert "The log has 24 entries" in shown
    assert f"  {running.sealed.origin}\n  24\n" in shown
    assert shown.index("yes: the log") < shown.index("no: ")
    said = " ".join(shown.split())
    assert f"as number 23: {ACCOUNT}/24 {b64encode(ROWS[-1].hash).decode()}" in said
    whole, edited = ((tmp_path / "proof" / f"{ACCOUNT[:8]}-24.{end}").read_bytes() for end in ("tlog-proof", "edited"))
    assert len(whole) == len(edited)
    assert sum(one != other for one, other in zip(whole, edited, strict=True)) == 1


def test_what_cannot_be_proved_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExampleFailedError, match="is not in the log"):
        show(Running(ROWS[:23]), tmp_path)

    class Failing(Running):
        def _seal(self, event: Mapping[str, Any]) -> Sealed:
            raise CommandError("The sealer failed.")

    with pytest.raises(ExampleFailedError, match="The sealer failed"):
        show(Failing(ROWS), tmp_path)


@pytest.mark.parametrize("answers", [0, 1, 2])
def test_a_checker_that_says_something_else_is_an_error(
    answers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checker = tmp_path / "checker.py"
    checker.write_text(f"raise SystemExit({answers})")
    monkeypatch.setattr(proof, "CHECKER", str(checker))
    with pytest.raises(ExampleFailedError, match=f"answered {answers}"):
        show(Running(ROWS), tmp_path)
