"""The application as the CDK command line starts it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from importlib.resources import files
from pathlib import Path

from stacks.environment import ENVIRONMENTS
from tests.infrastructure.synthesis import NO_PACKAGES, REPOSITORY, feature_flags

COMMAND_LINE = {"@aws-cdk/core:failSynthOnValidationErrors": False}
"""What the command line passes in order to report findings itself, though for the selected stacks only."""


def run_app(outdir: Path, *, root: Path = REPOSITORY, **context: object) -> subprocess.CompletedProcess[str]:
    """Run app.py with a context, with no AWS account in reach: no credentials, no profile, no region."""
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ
    }
    environment |= {
        "CDK_OUTDIR": str(outdir),
        "CDK_CONTEXT_JSON": json.dumps({**feature_flags(), **NO_PACKAGES, **COMMAND_LINE, **context}),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    command = [sys.executable, "app.py"]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def test_the_application_synthesizes_without_an_account_and_without_a_word(tmp_path: Path) -> None:
    done = run_app(tmp_path, env="prod")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert "assembly-Daybook-prod" in manifest["artifacts"]
    assert "missing" not in manifest, "a lookup would need an account"


def test_a_finding_fails_the_application_whatever_stacks_the_command_line_selects(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    for folder in ("analytics", "stacks", "constructs_lib", "lambdas"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "app.py", root)
    construct = root / "constructs_lib" / "rest_api.py"
    construct.write_text(construct.read_text().replace("AwsSolutions-COG4", "AwsSolutions-COG5"))
    done = run_app(tmp_path / "out", root=root, env="prod")
    assert done.returncode != 0
    assert "AwsSolutions::AwsSolutions-COG4" in done.stderr


def test_an_unknown_environment_is_told_in_the_last_line(tmp_path: Path) -> None:
    done = run_app(tmp_path, env="qa")
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].endswith("one of " + ", ".join(ENVIRONMENTS))


def test_that_no_environment_is_named_is_told_in_the_last_line(tmp_path: Path) -> None:
    done = run_app(tmp_path)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last == "no environment is named: use -c env=NAME with one of " + ", ".join(ENVIRONMENTS)


def test_cdk_json_sets_every_feature_flag_the_library_recommends() -> None:
    [bundle] = [each for each in files("aws_cdk._jsii").iterdir() if each.name.endswith(".tgz")]
    with tarfile.open(str(bundle)) as package:
        member = package.extractfile("package/recommended-feature-flags.json")
        assert member is not None
        assert feature_flags() == json.load(member)


def test_the_command_line_is_pinned() -> None:
    wanted = json.loads((REPOSITORY / "package.json").read_text())["devDependencies"]
    lock = (REPOSITORY / "package-lock.json").read_text()
    locked = json.loads(lock)["packages"]["node_modules/aws-cdk"]
    assert wanted["aws-cdk"] == locked["version"] == "2.1148.1"
    assert [version for version in wanted.values() if not re.fullmatch(r"[0-9.]+", version)] == []
    assert "resolved" not in lock, "no registry's address belongs in the lock file"
