"""The workflows: what each may do, that nothing secret is stored, and in which order a change reaches people."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.environment import CLOUD_NAMES, LOCAL

FOLDER = Path(__file__).resolve().parents[2] / ".github" / "workflows"
NAMES = ("ci", "deploy", "diff", "environment", "soak")
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
TOKENS = {("diff", "diff"), ("environment", "deploy"), *(("deploy", name) for name in CLOUD_NAMES)}
"""The jobs that ask GitHub for a token with which AWS lets them in."""


def text(name: str) -> str:
    return (FOLDER / f"{name}.yml").read_text()


def workflow(name: str) -> dict[str, Any]:
    """A workflow, with its triggers under `on`: YAML 1.1 reads that word as true."""
    content = yaml.safe_load(text(name))
    return {"on": content.pop(True), **content}


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Workflow, name and content of every job."""
    for name in NAMES:
        for job, content in workflow(name)["jobs"].items():
            yield name, job, content


def steps(name: str, job: str) -> list[str]:
    """What a job does: an action without its version, or a command."""
    found = workflow(name)["jobs"][job]["steps"]
    return [each["uses"].partition("@")[0] if "uses" in each else each["run"] for each in found]


def test_every_workflow_is_looked_at() -> None:
    assert {each.name for each in FOLDER.iterdir()} == {f"{name}.yml" for name in NAMES}


def test_a_job_has_the_permissions_that_it_names_and_no_workflow_gives_any() -> None:
    for name in NAMES:
        assert workflow(name)["permissions"] == {}
    for name, job, content in jobs():
        token = {"id-token": "write"} if (name, job) in TOKENS else {}
        assert content["permissions"] == {"contents": "read", **token}, f"{name}.{job}"


def test_nothing_secret_is_stored_or_passed_on() -> None:
    for name in NAMES:
        assert "secrets" not in text(name)
        assert "access-key" not in text(name).lower()
        assert "pull_request_target" not in text(name), "it would run a stranger's code with our rights"


def test_every_action_is_pinned_by_its_commit_and_says_which_version_that_is() -> None:
    for name in NAMES:
        for line in text(name).splitlines():
            if "uses:" in line and "./.github/" not in line:
                used, _, version = line.partition("uses: ")[2].partition(" # ")
                assert PINNED.fullmatch(used), line
                assert re.fullmatch(r"v\d+\.\d+\.\d+", version), line


def test_no_checkout_leaves_a_token_behind() -> None:
    for name, job, content in jobs():
        for step in content.get("steps", []):
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False, f"{name}.{job}"


def test_what_is_on_main_reaches_one_environment_after_the_other() -> None:
    found = workflow("deploy")
    assert found["on"] == {"push": {"branches": ["main"]}}
    assert found["concurrency"] == {"group": "deploy", "cancel-in-progress": False}
    chain = found["jobs"]
    assert list(chain) == ["checks", *CLOUD_NAMES]
    assert chain["checks"]["uses"] == "./.github/workflows/ci.yml"
    before = "checks"
    for name in CLOUD_NAMES:
        assert chain[name]["needs"] == before
        assert chain[name]["uses"] == "./.github/workflows/environment.yml"
        assert chain[name]["with"] == {"environment": name}
        before = name
    first, *others = CLOUD_NAMES
    assert chain[first]["if"] == "vars.AWS_DEPLOYS == 'true'"
    assert not [name for name in others if "if" in chain[name]], "a failure before would be passed over"


def test_an_environment_is_tried_out_before_the_next_and_each_part_has_a_role_of_its_own() -> None:
    found = workflow("environment")
    assert list(found["on"]) == ["workflow_call"]
    [job] = found["jobs"].values()
    assert job["environment"] == "${{ inputs.environment }}", "GitHub asks for its approval, and names it in the token"
    login = "aws-actions/configure-aws-credentials"
    assert steps("environment", "deploy")[2:] == [
        "make install",
        login,
        'make deploy ENV="$ENVIRONMENT" CDK_OPTIONS=--require-approval=never',
        login,
        'make smoke ENV="$ENVIRONMENT"',
    ]
    roles = [each["with"]["role-to-assume"] for each in job["steps"] if each.get("uses", "").startswith(login)]
    assert roles == ["${{ vars.AWS_DEPLOY_ROLE }}", "${{ vars.AWS_SMOKE_ROLE }}"]


def test_a_pull_request_is_tested_synthesized_and_compared() -> None:
    assert "pull_request" in workflow("ci")["on"]
    assert workflow("diff")["on"] == {"pull_request": None}
    commands = [command for job in ("test", "synth", "audit") for command in steps("ci", job)]
    assert {".ci/run", 'make synth ENV="$ENVIRONMENT"', "make audit"} <= set(commands)
    job = workflow("diff")["jobs"]["diff"]
    assert job["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    assert steps("diff", "diff")[-1] == 'make diff ENV="$ENVIRONMENT"'
    assert job["strategy"]["matrix"]["exclude"] == [{"environment": LOCAL.name}]
    conditional = [each.get("if") for each in job["steps"]][2:]
    assert conditional == ["env.ROLE != ''"] * 3, "without an account there is nothing to ask"


@pytest.mark.parametrize(("name", "job"), [("ci", "synth"), ("diff", "diff")])
def test_the_environments_are_those_of_the_stacks(name: str, job: str) -> None:
    names = steps(name, "environments")[-1]
    assert names == 'echo "names=$(python -m stacks.environment --json)" >> "$GITHUB_OUTPUT"'
    matrix = workflow(name)["jobs"][job]["strategy"]["matrix"]
    assert matrix["environment"] == "${{ fromJSON(needs.environments.outputs.names) }}"


def zizmor(folder: Path) -> subprocess.CompletedProcess[str]:
    """What `make lint` asks, of another folder."""
    program = Path(sys.executable).with_name("zizmor")
    command = [str(program), "--offline", "--quiet", "--format=plain", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("before", "after", "finding"),
    [
        ("actions/checkout@34e114876b0b11c390a56381ad16ebd13914f8d5", "actions/checkout@v4", "unpinned-uses"),
        ('ENV="$ENVIRONMENT"', "ENV=${{ github.head_ref }}", "template-injection"),
        ("  pull_request:", "  pull_request_target:", "dangerous-triggers"),
    ],
)
def test_a_way_in_for_strangers_is_found(before: str, after: str, finding: str, tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "diff.yml").write_text(text("diff").replace(before, after))
    done = zizmor(folder)
    assert done.returncode != 0
    assert finding in done.stdout


def test_no_way_in_is_found_in_ours() -> None:
    done = zizmor(FOLDER.parent)
    assert done.returncode == 0, done.stdout
