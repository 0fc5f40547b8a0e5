"""Installing: only when needed, on any Python, and with a sentence when it fails."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from local.machine.errors import InstallError
from local.machine.layout import REPOSITORY, STATE_VARIABLE
from local.machine.progress import Progress
from local.setup import install, install_failures


@pytest.mark.parametrize("module", ["local.setup.install", "local.stop"])
def test_what_runs_before_anything_is_installed_needs_the_standard_library_only(module: str) -> None:
    # -I -S: neither the virtual environment's packages nor the user's.
    code = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); import {module}"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, timeout=60)


def test_the_virtual_environment_is_made_from_the_python_below_it() -> None:
    assert Path(install.base_python()).exists()
    assert not Path(install.base_python()).is_relative_to(install.VENV)


@pytest.fixture
def installers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand-ins for venv, pip and npm, which note their calls, and an empty place to install to."""
    called: list[str] = []
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path / "state"))
    for name, value in (("VENV", tmp_path / "venv"), ("NODE_MODULES", tmp_path / "node")):
        monkeypatch.setattr(install, name, value)
    monkeypatch.setattr(install, "_VENV_STAMP", tmp_path / "venv" / "stamp.json")
    monkeypatch.setattr(install, "_NODE_STAMP", tmp_path / "node" / "stamp.json")
    monkeypatch.setattr(install, "_run", lambda _, log: called.append(log.stem))
    return called


def test_what_is_missing_is_installed_once(installers: list[str]) -> None:
    install.install(Progress(io.StringIO()))
    assert installers == ["venv", "pip", "npm"]
    assert install.is_installed()
    install.install(Progress(io.StringIO()))
    assert installers == ["venv", "pip", "npm"]


def test_changed_requirements_make_the_virtual_environment_anew(
    installers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install.install(Progress(io.StringIO()))
    monkeypatch.setattr(install, "wanted_venv", lambda: {"requirements": "others"})
    install.install(Progress(io.StringIO()))
    assert installers == ["venv", "pip", "npm", "venv", "pip"]


def test_an_interrupted_installation_is_made_anew(installers: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object, log: Path) -> None:
        if log.stem == "pip":
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(install, "_run", interrupt)
        assert install.main() == 130
    assert not install.is_installed()
    assert install.main() == 0
    assert installers == ["venv", "pip", "npm"]


def test_the_stamp_depends_on_requirements_python_and_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = install.wanted_venv()
    monkeypatch.setattr(install, "VENV", tmp_path)
    assert install.wanted_venv() != before
    assert before["python"] == sys.version


def test_a_failing_installer_is_a_sentence_with_its_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "pip.log"
    program = "print('fatal error: Python.h: No such file or directory'); raise SystemExit(1)"
    with pytest.raises(InstallError, match="python3-dev") as failed:
        install._run([sys.executable, "-c", program], log)
    assert str(log) in str(failed.value)
    assert "Python.h" in failed.value.detail


def test_an_installer_that_cannot_start_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="could not be started"):
        install._run([str(tmp_path / "absent")], tmp_path / "log")


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
        ("npm error code EINTEGRITY", "not the one that was pinned"),
        ("PermissionError: [Errno 13] Permission denied: '.venv'", "cannot be written"),
        ("something nobody has seen", "Installing the packages failed."),
    ],
)
def test_known_causes_are_explained(output: str, remedy: str) -> None:
    assert remedy in install_failures.explain(output)
