"""What is shipped: the sources of the functions, and the packages they import."""

import ast
import hashlib
import importlib.metadata
import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template
from aws_cdk.aws_lambda import Architecture, Function, Runtime

from constructs_lib.python_packages import PackageInstallError, PipBundling, PythonPackages
from constructs_lib.source_files import imported_files, source_code
from local.setup.locks import read_lock
from tests.infrastructure.synthesis import NO_PACKAGES, REPOSITORY

REQUIREMENTS = REPOSITORY / "lambdas" / "requirements.txt"


def stage_sources(root: Path, outdir: Path, module: str, *data: str) -> Path:
    """The asset directory that would be uploaded for a module below `root`, and folders with data."""
    stack = Stack(App(outdir=str(outdir)), "Stack")
    Function(
        stack,
        "Function",
        code=source_code(root, module, data=data),
        handler=f"{module}.handler",
        runtime=Runtime.PYTHON_3_14,
        architecture=Architecture.ARM_64,
    )
    [asset] = outdir.glob("asset.*")
    return asset


def files_of(asset: Path) -> set[str]:
    """The names of all files of an asset."""
    return {str(file.relative_to(asset)) for file in asset.rglob("*") if file.is_file()}


API = "lambdas.handlers.api"
TREE = {
    "lambdas/__init__.py": "",
    "lambdas/handlers/__init__.py": "import lambdas.early",
    "lambdas/handlers/api.py": "import json\nfrom lambdas.domain import rules\nfrom lambdas.store.table import KEY",
    "lambdas/early.py": "",
    "lambdas/domain/__init__.py": "",
    "lambdas/domain/rules.py": "def late() -> None:\n    from lambdas.domain import pages",
    "lambdas/domain/pages.py": "import lambdas.handlers.api",
    "lambdas/domain/generate.py": "",
    "lambdas/domain/text/page.html": "",
    "lambdas/domain/text/.secret": "",
    "lambdas/store/table.py": "KEY = 1",
    "lambdas/store/memory.py": "",
    "lambdas/handlers/__pycache__/api.cpython-314.pyc": "",
    "lambdas/requirements.txt": "",
    "lambdas/openapi.json": "",
    "lambdas/.env": "",
    "tests/test_api.py": "",
    "app.py": "",
    ".env": "",
    ".git/config": "",
    "cdk.out/lambdas/old.py": "",
    "node_modules/lambdas/index.js": "",
}
NEEDED = {
    "lambdas/__init__.py",
    "lambdas/handlers/__init__.py",
    "lambdas/handlers/api.py",
    "lambdas/early.py",
    "lambdas/domain/__init__.py",
    "lambdas/domain/rules.py",
    "lambdas/domain/pages.py",
    "lambdas/store/table.py",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small repository with sources, caches, tests and secrets."""
    root = tmp_path / "tree"
    for name, text in TREE.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def test_a_function_ships_what_it_imports_under_its_import_name_and_nothing_else(tree: Path, tmp_path: Path) -> None:
    assert files_of(stage_sources(tree, tmp_path / "out", API)) == NEEDED


def test_with_the_files_of_the_folders_that_it_reads(tree: Path, tmp_path: Path) -> None:
    shipped = files_of(stage_sources(tree, tmp_path / "out", API, "lambdas/domain/text"))
    assert shipped == NEEDED | {"lambdas/domain/text/page.html"}


def test_a_handler_that_is_not_there_is_an_error(tree: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"there is no module lambdas\.handlers\.lost in"):
        imported_files(tree, "lambdas.handlers.lost")


def test_a_relative_import_is_refused_rather_than_left_out(tree: Path) -> None:
    (tree / "lambdas/handlers/relative.py").write_text("from . import api")
    with pytest.raises(ValueError, match=r"relative\.py:1 imports relatively"):
        imported_files(tree, "lambdas.handlers.relative")


def test_the_asset_changes_with_its_sources_and_with_nothing_else(tree: Path, tmp_path: Path) -> None:
    first = stage_sources(tree, tmp_path / "first", API).name
    copy = tmp_path / "elsewhere"
    shutil.copytree(tree, copy)
    (copy / "lambdas/handlers/__pycache__/more.pyc").write_text("compiled")
    for other in ("app.py", "lambdas/store/memory.py", "lambdas/openapi.json"):
        (copy / other).write_text("changed = True")
    assert stage_sources(copy, tmp_path / "second", API).name == first
    (copy / "lambdas/store/table.py").write_text("KEY = 2")
    assert stage_sources(copy, tmp_path / "third", API).name != first


def bundling() -> PipBundling:
    return PipBundling(requirements=REQUIREMENTS, python_version="3.14", platform="manylinux2014_aarch64")


def test_packages_are_wheels_for_the_runtimes_platform_and_never_resolved() -> None:
    command = " ".join(bundling().command(Path("target")))
    for option in (
        "--platform manylinux2014_aarch64",
        "--python-version 3.14",
        "--implementation cp",
        "--only-binary :all:",
        "--require-hashes",
        "--no-deps",
        "--target target",
    ):
        assert option in command


def test_without_a_package_index_bundling_fails_with_a_sentence_and_never_falls_back_to_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(PackageInstallError, match=r"could not install requirements\.txt .* index reachable"):
        bundling().try_bundle(str(tmp_path))


def test_a_package_that_is_not_the_one_that_was_locked_stops_the_synthesis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "locked-1.0-py3-none-any.whl"
    with zipfile.ZipFile(tmp_path / name, "w") as wheel:
        wheel.writestr("locked-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: locked\nVersion: 1.0\n")
        wheel.writestr("locked-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("locked-1.0.dist-info/RECORD", "")
    for variable, value in (("CONFIG_FILE", os.devnull), ("NO_INDEX", "1"), ("FIND_LINKS", str(tmp_path))):
        monkeypatch.setenv(f"PIP_{variable}", value)
    lock = tmp_path / "requirements.txt"
    locked = PipBundling(requirements=lock, python_version="3.14", platform="manylinux2014_aarch64")
    lock.write_text(f"locked==1.0 --hash=sha256:{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}\n")
    assert locked.try_bundle(str(tmp_path / "good"))
    lock.write_text(f"locked==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(PackageInstallError, match="is not the one that was locked"):
        locked.try_bundle(str(tmp_path / "bad"))
    assert not list((tmp_path / "bad").rglob("locked*"))


def layer_asset(requirements: Path, runtime: Runtime) -> str:
    """Where the layer of these packages would be uploaded to; nothing is installed for it."""
    stack = Stack(App(context=NO_PACKAGES), "Stack")
    PythonPackages(stack, "Packages", requirements=requirements, runtime=runtime, architecture=Architecture.ARM_64)
    [layer] = Template.from_stack(stack).find_resources("AWS::Lambda::LayerVersion").values()
    key: str = layer["Properties"]["Content"]["S3Key"]
    return key


def test_the_layer_changes_with_the_pins_and_the_runtime_only(tmp_path: Path) -> None:
    pins = tmp_path / "requirements.txt"
    pins.write_text("msgspec==0.22.0\n")
    first = layer_asset(pins, Runtime.PYTHON_3_14)
    (tmp_path / "beside.py").write_text("changed")
    assert layer_asset(pins, Runtime.PYTHON_3_14) == first
    assert layer_asset(pins, Runtime.PYTHON_3_13) != first
    pins.write_text("msgspec==0.22.1\n")
    assert layer_asset(pins, Runtime.PYTHON_3_14) != first


def test_every_package_is_pinned_and_so_is_all_it_needs() -> None:
    pins = {name: lock.version for name, lock in read_lock(REQUIREMENTS).items()}
    assert pins
    for name, version in pins.items():
        assert importlib.metadata.version(name) == version, "tests run with what is shipped"
        for needed in importlib.metadata.requires(name) or []:
            if "extra ==" not in needed:
                [package] = re.findall(r"^[A-Za-z0-9_.-]+", needed)
                assert package.lower().replace("_", "-") in pins


def test_what_the_functions_import_is_pinned_or_brought_by_the_runtime() -> None:
    trees = [ast.parse(file.read_text()) for file in (REPOSITORY / "lambdas").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    tops = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
    packages = importlib.metadata.packages_distributions()
    needed = {packages[top][0].lower().replace("_", "-") for top in tops - {"lambdas", "analytics"}}
    pins = set(re.findall(r"^([a-z0-9-]+)==", REQUIREMENTS.read_text(), re.MULTILINE))
    assert {"jinja2", "markupsafe", "msgspec"} <= needed
    by_botocore = [re.match(r"[a-z0-9-]+", each) for each in importlib.metadata.requires("botocore") or []]
    assert needed <= pins | {"boto3", "botocore"} | {each[0] for each in by_botocore if each}
