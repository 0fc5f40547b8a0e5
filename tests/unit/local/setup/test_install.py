"""Installing: only when needed, on any Python, and with a sentence when it fails."""

import io
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

from local.machine.errors import InstallError
from local.machine.layout import REPOSITORY, STATE_VARIABLE
from local.machine.progress import Progress
from local.setup import install, install_failures
from local.setup.installers import run
from local.setup.virtualenv import VirtualEnvironment


@pytest.mark.parametrize("module", ["local.setup.install", "local.stop"])
def test_what_runs_before_anything_is_installed_needs_the_standard_library_only(module: str) -> None:
    # -I -S: neither the virtual environment's packages nor the user's.
    code = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); import {module}"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, timeout=60)


@pytest.fixture
def installers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand-ins for venv, pip and npm, which note their calls, and an empty place to install to."""
    called: list[str] = []
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    monkeypatch.setattr(install, "VENV", VirtualEnvironment(place=tmp_path / "venv", lock="requirements.txt"))
    monkeypatch.setattr(install, "NODE_MODULES", tmp_path / "node")
    monkeypatch.setattr("local.setup.installers.run", lambda _, log, **__: called.append(log.stem))
    return called


PACKAGES = ["venv-venv", "venv-pip", "venv-compile"]
ALL = [*PACKAGES, "oracles", "daybook", "npm"]


def test_what_is_missing_is_installed_once(installers: list[str]) -> None:
    install.install(Progress(io.StringIO()))
    assert installers == ALL
    assert install.is_installed()
    install.install(Progress(io.StringIO()))
    assert installers == ALL


def test_changed_requirements_make_the_virtual_environment_anew(
    installers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install.install(Progress(io.StringIO()))
    monkeypatch.setattr(VirtualEnvironment, "wanted", lambda _: {"requirements": "others"})
    for stamp in (".command.json", ".oracles.json"):
        (install.VENV.place / stamp).unlink()  # as `venv --clear` does
    install.install(Progress(io.StringIO()))
    assert installers == [*ALL, *PACKAGES, "oracles", "daybook"]


def test_changed_oracles_are_installed_again_and_nothing_else(
    installers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install.install(Progress(io.StringIO()))
    monkeypatch.setattr(install, "ORACLES", "requirements-clients.txt")
    assert not install.is_installed()
    install.install(Progress(io.StringIO()))
    assert installers == [*ALL, "oracles"]


def test_oracles_come_by_their_hashes_on_every_python_and_bring_nothing_else() -> None:
    command = install.VENV.pip_install(install.ORACLES, "--ignore-requires-python")
    assert {"--require-hashes", "--no-deps", "--ignore-requires-python"} <= set(command)
    assert command[-1] == str(REPOSITORY / install.ORACLES)


@pytest.mark.parametrize(
    ("line", "again"),
    [
        ('daybook = "cli.app:other"', ["daybook"]),
        ('daybook = "cli.app:main" # the same', []),
        ('daybook = "cli.app:main"\n[tool.ruff.format]', []),
    ],
)
def test_the_command_is_installed_again_when_pyproject_says_how_it_is_built_and_for_nothing_else(
    installers: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, again: list[str]
) -> None:
    install.install(Progress(io.StringIO()))
    changed = tmp_path / "pyproject.toml"
    changed.write_text(install.PYPROJECT.read_text().replace('daybook = "cli.app:main"', line))
    monkeypatch.setattr(install, "PYPROJECT", changed)
    install.install(Progress(io.StringIO()))
    assert installers == [*ALL, *again]


def test_an_interrupted_installation_is_made_anew(installers: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object, log: Path, **__: object) -> None:
        if log.stem == "venv-pip":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("local.setup.installers.run", interrupt)
        assert install.main() == 130
    assert not install.is_installed()
    assert install.main() == 0
    assert installers == ALL


def test_the_command_works_from_any_directory_and_is_the_same_as_the_package(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "daybook"
    shown = subprocess.run([program, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert "verify" in shown.stdout
    module = [sys.executable, "-m", "cli", "--help"]
    same = subprocess.run(module, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True)
    assert "verify" in same.stdout


def test_the_command_is_installed_from_the_checkout_without_an_import_hook() -> None:
    [line] = [file.read_text().strip() for file in Path(sysconfig.get_path("purelib")).glob("*daybook*.pth")]
    assert Path(line) == REPOSITORY


def test_what_builds_the_command_is_locked() -> None:
    [backend] = tomllib.loads(install.PYPROJECT.read_text())["build-system"]["requires"]
    assert re.search(rf"^{backend}==", (REPOSITORY / "requirements.txt").read_text(), re.MULTILINE)


def test_a_failing_installer_is_a_sentence_with_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "pip.log"
    program = "print('fatal error: Python.h: No such file or directory'); raise SystemExit(1)"
    with pytest.raises(InstallError, match="python3-dev") as failed:
        run([sys.executable, "-c", program], log, venv=tmp_path)
    assert str(log) in str(failed.value)
    assert "Python.h" in failed.value.detail


def test_an_installer_that_cannot_start_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="could not be started"):
        run([str(tmp_path / "absent")], tmp_path / "log", venv=tmp_path)


@pytest.mark.parametrize(
    ("output", "remedy"),
    [
        ("The virtual environment was not created successfully because ensurepip is not available.", "python3-venv"),
        ("/usr/bin/python3: No module named venv", "python3-venv"),
        ("src/x.c:5:10: fatal error: Python.h: No such file or directory", "python3-dev"),
        ("error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory", "build-essential"),
        ("error: command '/usr/bin/gcc' failed: No such file or directory", "build-essential"),
        (
            "Retrying after 'NewConnectionError(...)'\nERROR: No matching distribution found for boto3==1",
            "registry could not be reached",
        ),
        ("npm error code ENOTFOUND", "registry could not be reached"),
        ("npm error code EAI_AGAIN", "registry could not be reached"),
        ("ssl.SSLError: [SSL: CERTIFICATE_VERIFY_FAILED]", "certificate"),
        ("ERROR: No matching distribution found for boto3==1", "for this Python"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("npm error code EINTEGRITY", "not the one that was locked"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that was locked"),
        ("ERROR: Hashes are required in --require-hashes mode, but they are missing", "make lock"),
        ("PermissionError: [Errno 13] Permission denied: '.venv'", "cannot be written"),
        ("something nobody has seen", "Installing the packages failed."),
    ],
)
def test_known_causes_are_explained(output: str, remedy: str) -> None:
    assert remedy in install_failures.explain(output)
