"""A lock admits one and ends with its holder."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local import stop
from local.__main__ import main
from local.machine.errors import AlreadyRunningError
from local.machine.layout import STATE_VARIABLE, Layout
from local.machine.lock import is_locked, only_one


def test_a_second_holder_is_refused_until_the_first_has_finished(tmp_path: Path) -> None:
    path = tmp_path / "state" / "lock"
    assert not is_locked(path)
    with only_one(path, "testing"):
        assert is_locked(path)
        with pytest.raises(AlreadyRunningError, match="already testing"), only_one(path, "testing"):
            pytest.fail("two holders")
    assert not is_locked(path)
    with only_one(path, "testing"):
        pass


def test_a_lock_lives_on_in_a_process_that_inherits_it_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    holder = "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert is_locked(path)
        process.kill()
    assert not is_locked(path)


@pytest.mark.parametrize("command", [lambda: main(["run"]), stop.main])
def test_two_commands_at_once_are_refused_with_a_sentence(
    command: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    with only_one(Layout(tmp_path).lock_file, "testing"):
        assert command() == 1
    assert "Another command of this repository is already" in capsys.readouterr().err
