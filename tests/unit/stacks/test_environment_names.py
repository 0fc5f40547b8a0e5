"""The names of environments stand in one place, from which everything else takes them."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stacks.environment import CLOUD_NAMES, ENVIRONMENTS, LOCAL

REPOSITORY = Path(__file__).resolve().parents[3]
HOME = Path("stacks/environment.py")
SEARCHED = ("Makefile", "app.py", ".ci", ".github", "stacks", "constructs_lib", "lambdas", "analytics", "local", "cli")
"""Files, and folders whole. Not prose, which may speak of the four there are, nor what is generated from the names."""
LIST = re.compile(r"\b(?:{names})\b\W+(?:(?:and|or)\W+)?(?:{names})\b".format(names="|".join(ENVIRONMENTS)))
"""Two names in a row, with or without a comma, a bar, quotes or an `or` between them."""
FIFTH = '\nPERF = replace(STAGING, name="perf")\n'


def files() -> Iterator[Path]:
    """What is searched, as paths in the repository."""
    for each in SEARCHED:
        root = REPOSITORY / each
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(REPOSITORY)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What is needed of the repository, with a fifth environment: its object, and its place among the others."""
    for folder in ("stacks", "local"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    home = tmp_path / HOME
    text = home.read_text()
    assert "(LOCAL, DEV, STAGING, PROD)" in text
    planted = text.replace("\nENVIRONMENTS:", FIFTH + "\nENVIRONMENTS:")
    home.write_text(planted.replace("(LOCAL, DEV, STAGING, PROD)", "(LOCAL, DEV, STAGING, PROD, PERF)"))
    return tmp_path


def run(checkout: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=60, check=False)


def test_no_other_file_lists_the_names() -> None:
    searched = list(files())
    assert HOME in searched
    found = {
        f"{path}: {match.group()}"
        for path in searched
        if path != HOME and path.suffix not in {".png", ".svg"}
        for match in LIST.finditer((REPOSITORY / path).read_text(encoding="utf-8", errors="replace"))
    }
    assert not found


@pytest.mark.parametrize(
    "line", ["local dev staging prod", "ENV=dev|staging|prod", "[local, dev]", '("dev", "staging")', "staging or prod"]
)
def test_a_list_is_found_in_whatever_form(line: str) -> None:
    assert LIST.search(line)


def test_the_cloud_is_everything_but_this_machine() -> None:
    assert {*CLOUD_NAMES, LOCAL.name} == ENVIRONMENTS.keys()
    assert LOCAL.name not in CLOUD_NAMES
    assert [each.name for each in ENVIRONMENTS.values()] == list(ENVIRONMENTS)


def test_a_fifth_environment_is_known_to_the_workflow_to_make_and_to_synthesis(checkout: Path) -> None:
    names = run(checkout, sys.executable, "-m", "stacks.environment", "--json")
    assert (json.loads(names.stdout), names.returncode) == ([*ENVIRONMENTS, "perf"], 0)

    said = run(checkout, "make", "--no-print-directory", "help", f"PYTHON={sys.executable}").stdout
    assert f"ENV (for synth: {' '.join(ENVIRONMENTS)} perf)" in said

    known = "import sys; from local.setup.synth import known; print(known(sys.argv[1]))"
    assert run(checkout, sys.executable, "-c", known, "perf").stdout == "perf\n"
    refused = run(checkout, sys.executable, "-m", "local.setup.synth", "qa")
    assert refused.returncode == 1
    assert refused.stderr == f"\nENV is one of {', '.join(ENVIRONMENTS)}, perf, not 'qa'.\n"


def test_the_names_cost_no_import_of_the_cdk() -> None:
    loaded = "import sys, stacks.environment; print([name for name in ('aws_cdk', 'jsii') if name in sys.modules])"
    assert run(REPOSITORY, sys.executable, "-c", loaded).stdout == "[]\n"


def test_the_workflow_synthesizes_every_environment() -> None:
    workflow = (REPOSITORY / ".github/workflows/ci.yml").read_text()
    assert "names=$(python -m stacks.environment --json)" in workflow
    assert "environment: ${{ fromJSON(needs.environments.outputs.names) }}" in workflow
