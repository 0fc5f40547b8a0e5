"""A virtual environment holds what the lock names, and nothing that is not what was locked."""

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from local.machine.errors import InstallError
from local.machine.progress import Progress
from local.setup import installers, virtualenv
from local.setup.virtualenv import VirtualEnvironment

pytestmark = pytest.mark.programs

WHEEL = "locked-1.0-py3-none-any.whl"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one wheel, which pip is configured to take packages from, and from nowhere else."""
    folder = tmp_path / "registry"
    folder.mkdir()
    info = "locked-1.0.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        wheel.writestr("locked.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: locked\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"locked.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty virtual environment."""
    made = tmp_path / "venv"
    subprocess.run([virtualenv.base_python(), "-m", "venv", "--without-pip", made], check=True, timeout=60)
    return made


def install(lock: Path, place: Path) -> None:
    """Run the pip command of a virtual environment, by the pip of the one that runs these tests."""
    [_, *command] = VirtualEnvironment(place=place, lock=str(lock)).pip_command()
    installers.run([sys.executable, *command, "--prefix", str(place)], place / "pip.log", venv=place)


def locked(tmp_path: Path, digest: str) -> Path:
    """A lock of that wheel."""
    lock = tmp_path / "lock.txt"
    lock.write_text(f"locked==1.0 --hash=sha256:{digest}\n")
    return lock


def test_a_package_with_the_locked_hash_is_installed(registry: Path, place: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256((registry / WHEEL).read_bytes()).hexdigest()
    install(locked(tmp_path, digest), place)
    assert list(place.rglob("locked.py"))


def test_a_package_with_another_hash_is_refused_with_a_sentence(registry: Path, place: Path, tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="is not the one that was locked"):
        install(locked(tmp_path, "0" * 64), place)
    assert not list(place.rglob("locked.py"))


def test_a_package_without_a_hash_is_refused_with_a_sentence(registry: Path, place: Path, tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text("locked==1.0\n")
    with pytest.raises(InstallError, match="has no hash in its lock file"):
        install(lock, place)


def test_bytecode_is_written_even_where_an_interpreter_may_not(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    made = VirtualEnvironment(place=place, lock="requirements.txt")
    [packages] = (place / "lib").glob("python*/site-packages")
    (packages / "good.py").write_text("")
    (packages / "template.py").write_text("{{ not Python }}\nif")
    installers.run(made.compile_command(), place / "compile.log", venv=place)
    assert [file.name.split(".")[0] for file in packages.rglob("*.pyc")] == ["good"]


def test_the_virtual_environment_is_made_from_the_python_below_it() -> None:
    assert Path(virtualenv.base_python()).exists()
    assert not Path(virtualenv.base_python()).is_relative_to(sys.prefix)


def test_the_stamp_depends_on_lock_python_and_place(tmp_path: Path) -> None:
    before = VirtualEnvironment(place=tmp_path, lock="requirements.txt").wanted()
    assert VirtualEnvironment(place=tmp_path / "other", lock="requirements.txt").wanted() != before
    assert VirtualEnvironment(place=tmp_path, lock="requirements-audit.txt").wanted() != before
    assert before["python"] == sys.version


def test_a_link_is_replaced_and_what_it_points_to_stays(
    place: Path, tmp_path: Path, registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`venv --clear` would empty the environment that a link points to."""
    monkeypatch.setattr(virtualenv, "fingerprint", str)  # this lock is not in the repository
    (place / "somebody's").touch()
    link = tmp_path / ".venv"
    link.symlink_to(place)
    lock = locked(tmp_path, hashlib.sha256((registry / WHEEL).read_bytes()).hexdigest())
    VirtualEnvironment(place=link, lock=str(lock)).make(Progress(), tmp_path)
    assert (place / "somebody's").exists()
    assert (link.is_symlink(), list(link.rglob("locked.py")) != []) == (False, True)
