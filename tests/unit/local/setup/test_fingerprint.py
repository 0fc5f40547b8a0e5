"""The hash of the sources changes when they do, and only then."""

from collections.abc import Callable
from pathlib import Path

import pytest

from local.machine.layout import REPOSITORY
from local.setup.fingerprint import PACKAGES, SOURCES, fingerprint


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    (tmp_path / "lambdas" / "deep").mkdir(parents=True)
    (tmp_path / "app.py").write_text("app")
    (tmp_path / "lambdas" / "a.py").write_text("a")
    (tmp_path / "lambdas" / "deep" / "b.py").write_text("b")
    return tmp_path


def of(root: Path) -> str:
    return fingerprint(["app.py", "lambdas", "absent"], root)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "app.py").write_text("other"),
        lambda root: (root / "lambdas" / "deep" / "b.py").write_text("other"),
        lambda root: (root / "lambdas" / "new.py").write_text(""),
        lambda root: (root / "lambdas" / "a.py").unlink(),
        lambda root: (root / "lambdas" / "a.py").rename(root / "lambdas" / "c.py"),
        lambda root: (root / "lambdas" / "a.py").rename(root / "lambdas" / "deep" / "a.py"),
    ],
)
def test_a_change_changes_it(sources: Path, change: Callable[[Path], object]) -> None:
    before = of(sources)
    change(sources)
    assert of(sources) != before


@pytest.mark.parametrize(
    "name", ["lambdas/__pycache__/a.cpython-311.pyc", "lambdas/.cache/x", "lambdas/a.pyc", "other.py"]
)
def test_caches_and_other_files_do_not(sources: Path, name: str) -> None:
    before = of(sources)
    (sources / name).parent.mkdir(exist_ok=True)
    (sources / name).write_text("x")
    assert of(sources) == before


def test_every_named_source_exists() -> None:
    assert [name for name in (*SOURCES, *PACKAGES) if not (REPOSITORY / name).exists()] == []
