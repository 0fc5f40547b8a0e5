"""What is deployed of each function: the modules that its handler imports, the files that they read, and the layer.

On one machine nobody would notice a missing file: the repository is installed there, so Python finds it anyway. And
nobody would notice one too many; but each is code that may have a fault, and a reason to publish a function again.
"""

import importlib.metadata
import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import grimp
import pytest

from constructs_lib.python_packages import PipBundling, remove_unused
from lambdas.projections.registry import PROJECTIONS
from local.setup.locks import read_lock
from tests.infrastructure.synthesis import REPOSITORY, Resource, Synthesized
from tests.infrastructure.test_assets import REQUIREMENTS, files_of

OURS = ("lambdas", "analytics")
STATEMENTS = {str(each.relative_to(REPOSITORY)) for each in (REPOSITORY / "analytics").rglob("*.sql")}
DATA = {
    "lambdas.handlers.daily_report": {
        *("lambdas/reporting/templates/report.html", "lambdas/reporting/templates/report.css"),
        *STATEMENTS,
    },
    "lambdas.handlers.sealer": STATEMENTS,
    "lambdas.handlers.ledger_verification": STATEMENTS,
}
"""Files that a function reads: the page, and all statements, of which the catalogue takes those that are asked."""
BY_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "dateutil", "six", "urllib3")
"""What Lambda's runtime brings. Source: Lambda Developer Guide, "Working with .zip file archives for Python"."""
MEGABYTE = 1_000_000
ASSET_LIMIT, LAYER_LIMIT, LAYER_ZIPPED_LIMIT = 0.5 * MEGABYTE, 6 * MEGABYTE, 1.7 * MEGABYTE
"""Bytes. A function starts quicker, and a snapshot is smaller, the less there is; Lambda's own bound is 250 MB."""

ALL_LOADED = """
import importlib, json, sys
sys.path[:0] = sys.argv[2:]
importlib.import_module(sys.argv[1])
print(json.dumps([each.__file__ for each in sys.modules.values() if getattr(each, "__file__", None)]))
"""
"""Imports a module with folders before the standard library, and prints the files of all that was loaded."""


@cache
def imports() -> grimp.ImportGraph:
    """Who imports whom, as another library sees it."""
    return grimp.build_graph(*OURS, cache_dir=None)


def needed(module: str) -> set[str]:
    """The files of a module and of all that it imports."""
    modules = {module, *imports().find_upstream_modules(module)}
    modules |= {name.rsplit(".", up)[0] for name in modules for up in range(1, name.count(".") + 1)}
    paths = [Path(*name.split(".")) for name in modules]
    return {str(each / "__init__.py" if (REPOSITORY / each).is_dir() else each.with_suffix(".py")) for each in paths}


def functions(environment: Synthesized) -> list[Resource]:
    """Properties of our own functions, each with a module of the repository."""
    found = [each for stack in environment.stacks for each in stack.resources("AWS::Lambda::Function").values()]
    return [each["Properties"] for each in found if str(each["Properties"]["Handler"]).startswith("lambdas.")]


def asset_of(function: Resource, assembly: Path) -> Path:
    """The folder that is uploaded for a function."""
    return assembly / f"asset.{function['Code']['S3Key'].removesuffix('.zip')}"


def size(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_a_function_ships_what_its_handler_imports_and_the_files_that_it_reads(
    anywhere: Synthesized, shared: Path
) -> None:
    for function in functions(anywhere):
        module = function["Handler"].removesuffix(".handler")
        asset = asset_of(function, shared / anywhere.config.name)
        assert files_of(asset) == needed(module) | DATA.get(module, set()), module
        assert size(asset) < ASSET_LIMIT, f"{module} ships {size(asset)} bytes"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two folders: the locked packages as installed here, without what is removed from the layer; and the runtime's."""
    layer, runtime = tmp_path_factory.mktemp("layer"), tmp_path_factory.mktemp("runtime")
    for name in read_lock(REQUIREMENTS):
        for file in importlib.metadata.files(name) or []:
            if ".." not in file.parts and "__pycache__" not in file.parts:
                copy = layer / file
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(file.locate()), copy)
    remove_unused(layer)
    for name in BY_THE_RUNTIME:
        origin = importlib.util.find_spec(name)
        assert origin is not None
        assert origin.origin is not None
        module = Path(origin.origin)
        module = module.parent if module.name == "__init__.py" else module
        (runtime / module.name).symlink_to(module)
    return [str(layer), str(runtime)]


NOT_PLAIN = {"READ_MODEL_TABLES": json.dumps({each.name: each.name for each in PROJECTIONS})}
"""What a function reads from a variable whose value is known at deployment only, if it is no name."""


def loaded(function: Resource, asset: Path, packages: list[str]) -> set[str]:
    """The files of its asset that a handler loads, with nothing of this machine to import but the standard library."""
    given = function["Environment"]["Variables"]
    variables = {name: value if isinstance(value, str) else NOT_PLAIN.get(name, name) for name, value in given.items()}
    module = function["Handler"].removesuffix(".handler")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALL_LOADED, module, str(asset), *packages],
        env={
            **variables,
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_REGION": "eu-west-1",
            "POWERTOOLS_TRACE_DISABLED": "1",
        },
        cwd=asset,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files = [Path(each) for each in json.loads(done.stdout)]
    return {str(each.relative_to(asset)) for each in files if each.is_relative_to(asset)}


def test_every_handler_can_be_imported_from_what_is_shipped_and_loads_all_of_it(
    environments: dict[str, Synthesized], shared: Path, packages: list[str]
) -> None:
    for function in functions(environments["prod"]):
        asset = asset_of(function, shared / "prod")
        modules = {each for each in files_of(asset) if each.endswith(".py")}
        assert loaded(function, asset, packages) == modules, function["Handler"]


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layer as it is deployed, for Lambda's platform."""
    folder = tmp_path_factory.mktemp("bundled")
    bundling = PipBundling(requirements=REQUIREMENTS, python_version="3.14", platform="manylinux2014_aarch64")
    assert bundling.try_bundle(str(folder))
    return folder


@pytest.mark.programs
def test_the_layer_holds_the_locked_packages_and_nothing_else(layer: Path) -> None:
    wanted = {
        file.parts[0]
        for name in read_lock(REQUIREMENTS)
        for file in importlib.metadata.files(name) or []
        if file.parts[0] not in {"..", "__pycache__"}
    }
    assert {each.name for each in layer.iterdir()} == {"python"}
    assert {each.name for each in (layer / "python").iterdir()} == wanted
    assert not list(layer.rglob("tests/*")) + list(layer.rglob("test/*")) + list(layer.rglob("*.pyi"))
    for each in layer.glob("python/*.dist-info"):
        assert (each / "METADATA").is_file(), "a scanner knows a package by it"
        assert not {"RECORD", "INSTALLER", "REQUESTED"} & {file.name for file in each.iterdir()}


@pytest.mark.programs
def test_the_layer_is_small(layer: Path, tmp_path: Path) -> None:
    archive = tmp_path / "layer.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for file in layer.rglob("*"):
            zipped.write(file, file.relative_to(layer))
    assert size(layer) < LAYER_LIMIT, f"{size(layer)} bytes"
    assert archive.stat().st_size < LAYER_ZIPPED_LIMIT, f"{archive.stat().st_size} bytes, zipped"
