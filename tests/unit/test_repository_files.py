"""The files that platforms and editors read: they parse, and what they name is there."""

import json
import re
import tomllib
from configparser import ConfigParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
MANIFESTS = {"pip": "requirements.txt", "npm": "package-lock.json", "github-actions": ".github/workflows"}


def read_yaml(name: str) -> Any:
    return yaml.safe_load((REPOSITORY / name).read_text())


def test_dependabot_looks_where_there_is_something_and_everywhere() -> None:
    content = read_yaml(".github/dependabot.yml")
    assert content["version"] == 2
    watched = {
        (each["package-ecosystem"], folder)
        for each in content["updates"]
        for folder in each.get("directories", [each.get("directory")])
    }
    assert watched == {("pip", "/"), ("pip", "/lambdas"), ("npm", "/"), ("github-actions", "/")}
    for ecosystem, folder in watched:
        assert (REPOSITORY / folder.strip("/") / MANIFESTS[ecosystem]).exists()
    for each in content["updates"]:
        assert each["schedule"] == {"interval": "weekly"}
        assert each["groups"]


def test_workflows_call_targets_that_the_makefile_has() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    called: set[str] = set()
    for workflow in (REPOSITORY / ".github" / "workflows").glob("*.yml"):
        steps = [step for job in yaml.safe_load(workflow.read_text())["jobs"].values() for step in job.get("steps", [])]
        called |= {name for step in steps for name in re.findall(r"\bmake ([a-z-]+)", step.get("run", ""))}
    assert {"audit", "deploy", "diff", "smoke", "synth"} <= called
    assert called <= targets


def test_the_workflow_keeps_what_the_audit_writes() -> None:
    steps = read_yaml(".github/workflows/ci.yml")["jobs"]["audit"]["steps"]
    [upload] = [step["with"] for step in steps if step.get("uses", "").startswith("actions/upload-artifact@")]
    assert upload["path"].split() == [".local/audit/sbom-*.json", ".local/audit/licences.md"]
    assert upload["include-hidden-files"] is True


def test_the_development_container_makes_a_checkout_ready() -> None:
    content = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text())
    assert content["image"] == "python:3.13"
    assert content["postCreateCommand"] == "make install"


def test_the_owners_are_a_template_that_asks_nobody() -> None:
    lines = (REPOSITORY / ".github" / "CODEOWNERS").read_text().splitlines()
    assert lines
    assert [line for line in lines if not line.startswith("#")] == []
    folders = [line.split()[1].strip("/") for line in lines if line.startswith("# /")]
    assert folders
    assert [folder for folder in folders if not list(REPOSITORY.glob(folder))] == []


def test_editors_and_the_formatter_agree_on_the_length_of_lines() -> None:
    settings = ConfigParser()
    settings.read_string("[top]\n" + (REPOSITORY / ".editorconfig").read_text())
    ruff = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["ruff"]
    assert settings["*"]["max_line_length"] == str(ruff["line-length"])


def test_the_licence_is_the_one_that_the_project_names() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    [file] = project["license-files"]
    text = (REPOSITORY / file).read_text()
    assert project["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "Copyright the Daybook authors" in text


def test_hooks_run_programs_that_are_installed() -> None:
    [repository] = read_yaml(".pre-commit-config.yaml")["repos"]
    for hook in repository["hooks"]:
        assert (REPOSITORY / hook["entry"].split()[0]).exists()


def test_the_contract_is_linted_strictly_and_every_rule_left_out_has_its_reason() -> None:
    content = read_yaml("redocly.yaml")
    assert content["extends"] == ["recommended-strict"]
    documents = {each["root"] for each in content["apis"].values()}
    assert documents == {f"lambdas/contracts/{name}.json" for name in ("openapi", "asyncapi")}
    lines = [line.strip() for line in (REPOSITORY / "redocly.yaml").read_text().splitlines()]
    left_out = [before for before, line in pairwise(lines) if re.search(r": (off|warn)$", line)]
    assert left_out
    assert all(before.startswith("# ") for before in left_out)
    assert "redocly lint" in (REPOSITORY / "Makefile").read_text()
