"""Each import rule of pyproject.toml notices an arrow that runs back."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"
CONFIGURATION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
BACK_ARROWS = {
    "Rooms know those below them": ("constructs_lib/alarms.py", "local.machine.files"),
    "Of deployed code only what asks the lake knows the statements of SQL": (
        "lambdas/httpapi/views.py",
        "analytics.catalog",
    ),
    "Environments are known without the CDK": ("stacks/environment.py", "stacks.stage"),
    "Data flows one way": ("lambdas/service/account_service.py", "lambdas.inbox.table"),
    "Folding knows no table, and a table knows not who folds, reads or rebuilds": (
        "lambdas/projections/folding/taken.py",
        "lambdas.projections.dynamodb.table",
    ),
    "What the log is made of knows no bucket, no table and no key": (
        "lambdas/transparency/tree.py",
        "lambdas.transparency.s3_store",
    ),
    "The domain is pure": ("lambdas/accounts/money.py", "random"),
    "Deployed code knows nothing of how it is deployed": ("lambdas/eventsourcing/rows.py", "stacks.environment"),
    "Constructs know nothing of bank accounts": ("constructs_lib/event_table.py", "lambdas.accounts.money"),
    "What runs on one machine is built from small things up": ("local/machine/layout.py", "local.system"),
    "Commands stand beside each other, on what they share": ("cli/storage/parked.py", "cli.redrive.finding"),
}
"""By rule, a file and what it must not import."""


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """KEPT or BROKEN by rule, in a copy in which every rule is broken once."""
    root = tmp_path_factory.mktemp("planted")
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    for package in CONFIGURATION["root_packages"]:
        shutil.copytree(REPOSITORY / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file, module in BACK_ARROWS.values():
        with (root / file).open("a", encoding="utf-8") as source:
            source.write(f"\nimport {module}\n")
    ended = subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return dict(re.findall(r"^(.+?) (KEPT|BROKEN)", ended.stdout, re.MULTILINE))


def test_every_rule_has_its_back_arrow_here() -> None:
    assert BACK_ARROWS.keys() == {contract["name"] for contract in CONFIGURATION["contracts"]}


@pytest.mark.parametrize("rule", BACK_ARROWS)
def test_a_back_arrow_breaks_the_rule(rule: str, findings: dict[str, str]) -> None:
    assert findings[rule] == "BROKEN"
