"""The locks pin all that their .in files name, with hashes, and what is tested is what is shipped."""

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from local.machine.layout import REPOSITORY, STATE_VARIABLE
from local.machine.progress import Progress
from local.setup import locks, tools
from local.setup.locks import LOCKS, Locked, compile_command, read_lock, read_names
from local.setup.virtualenv import VirtualEnvironment


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_every_package_of_its_in_file(lock: str) -> None:
    names = read_names(REPOSITORY / LOCKS[lock][0])
    assert names
    assert names - set(read_lock(REPOSITORY / lock)) == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_hashes(lock: str) -> None:
    without = [
        name
        for name, locked in read_lock(REPOSITORY / lock).items()
        if not locked.hashes or not all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in locked.hashes)
    ]
    assert without == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry(lock: str) -> None:
    assert "://" not in (REPOSITORY / lock).read_text()


def test_the_functions_carry_what_the_tests_run_with() -> None:
    tools = read_lock(REPOSITORY / "requirements.txt")
    assert {name: tools.get(name) for name in read_lock(REPOSITORY / "lambdas/requirements.txt")} == read_lock(
        REPOSITORY / "lambdas/requirements.txt"
    )


def test_a_lock_is_compiled_for_every_platform_with_hashes_and_keeps_its_versions() -> None:
    command = compile_command("lambdas/requirements.txt", upgrade=False)
    assert {"--universal", "--generate-hashes"} <= set(command)
    assert "--upgrade" not in command
    assert "--upgrade" in compile_command("requirements.txt", upgrade=True)


def test_all_locks_are_compiled_the_tools_before_what_is_shipped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[str, bool]] = []
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(locks, "prepare_tools", lambda _: None)
    monkeypatch.setattr("sys.argv", ["locks", "--upgrade"])

    def note(command: Sequence[str], _: Path, **__: object) -> None:
        calls.append((command[-1], "--upgrade" in command))

    monkeypatch.setattr("local.setup.installers.run", note)
    assert locks.main() == 0
    assert calls == [(lock, True) for lock in LOCKS]
    assert list(LOCKS)[:2] == ["requirements.txt", "lambdas/requirements.txt"]


@pytest.mark.parametrize(("name", "prepare"), [("TOOLS", tools.prepare_tools), ("CLIENTS", tools.prepare_clients)])
def test_the_tools_are_installed_when_they_are_needed_and_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, prepare: Callable[[Progress], None]
) -> None:
    calls: list[str] = []
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    monkeypatch.setattr(tools, name, VirtualEnvironment(place=tmp_path / "tools", lock="requirements-audit.txt"))
    monkeypatch.setattr("local.setup.installers.run", lambda _, log, **__: calls.append(log.stem))
    prepare(Progress(io.StringIO()))
    prepare(Progress(io.StringIO()))
    assert calls == ["tools-venv", "tools-pip", "tools-compile"]


def test_a_lock_is_read_with_markers_and_hashes(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(
        "# made by a tool\n#    how\n"
        "a-b==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "c==2\n"
    )
    assert read_lock(lock) == {
        "a-b": Locked(version="1.0", hashes=("sha256:aa", "sha256:bb")),
        "c": Locked(version="2", hashes=()),
    }


@pytest.mark.parametrize("line", ["a>=1", "--index-url somewhere", "a @ file:///a", "a==1 --hash=sha256:aa extra"])
def test_a_line_that_pins_nothing_is_refused(tmp_path: Path, line: str) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"c==2\n{line}\n")
    with pytest.raises(ValueError, match="no package of a fixed version"):
        read_lock(lock)


def test_an_in_file_takes_in_others(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.in").write_text("b\n")
    (tmp_path / "a.in").write_text("# why\n-r deep/b.in\na<49\n\n")
    assert read_names(tmp_path / "a.in") == {"a", "b"}
