"""A command ends with a sentence and a status, never with a traceback."""

import pytest

from local.machine.errors import LocalError
from local.machine.exits import exit_status


def test_the_three_ends(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise LocalError("It did not work.", detail="one\ntwo")

    def interrupt() -> None:
        raise KeyboardInterrupt

    assert exit_status(lambda: None, when_interrupted="") == 0
    assert capsys.readouterr().err == ""
    assert exit_status(fail, when_interrupted="") == 1
    assert capsys.readouterr().err == "\nIt did not work.\n\n    one\n    two\n"
    assert exit_status(interrupt, when_interrupted="Try again.") == 130
    assert capsys.readouterr().err == "\nInterrupted. Try again.\n"
