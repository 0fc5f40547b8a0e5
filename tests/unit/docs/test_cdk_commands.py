"""The pages' `cdk` commands are those that the local deployment runs, and so every test of the deployed system."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from local.emulator import deployment
from local.emulator.process import Emulator
from local.machine.errors import DeployFailedError
from local.machine.layout import REPOSITORY, Layout
from local.setup import cdk
from local.setup.toolchain import ACCOUNT, REGION
from stacks.environment import CLOUD_NAMES
from tests.support.pages.commands import commands
from tests.support.pages.files import run_pages
from tests.support.pages.page import read_page

EMULATOR = Emulator(pid=1, port=4566, instance="one", packages="")


def on_pages(command: str) -> set[str]:
    """Every `cdk COMMAND …` of the pages' blocks for the stacks of an environment, as somebody would type it."""
    return {
        shlex.join(words)
        for page in run_pages()
        for block in read_page(REPOSITORY, page).blocks
        if block.language == "sh"
        for words in commands(block.text)
        if words[:2] == ["cdk", command] and "--app" not in words
    }


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that bootstrapping and deploying to the emulator run; the deployment goes no further."""
    called: list[list[str]] = []
    layout = Layout(tmp_path)
    layout.prepare()

    def note(_: Layout, __: Emulator, *arguments: str) -> None:
        called.append(list(arguments))

    monkeypatch.setattr(deployment, "_cdk", note)
    deployment.bootstrap(layout, EMULATOR)
    with pytest.raises(DeployFailedError, match="no output"):
        deployment.deploy(layout, EMULATOR)
    return called


def as_local(page: str, **placeholders: str) -> list[str]:
    """A page's command for this machine, without `cdk`."""
    for before, after in placeholders.items():
        page = page.replace(before, after)
    return shlex.split(page)[1:]


def test_bootstrapping_is_written_as_it_is_run_here(run: list[list[str]]) -> None:
    bootstrap, _ = run
    assert not [each for each in bootstrap if each.startswith(("--app", "-a"))], "it would run another application"
    pages = on_pages("bootstrap")
    assert pages
    for page in pages:
        [name] = [name for name in CLOUD_NAMES if f"env={name}" in page]
        assert page == cdk.written(cdk.bootstrap("ACCOUNT", "REGION", name))
        here = as_local(page, ACCOUNT=ACCOUNT, REGION=REGION, **{f"env={name}": "env=local"})
        assert bootstrap[: len(here)] == here


@pytest.mark.parametrize("page", sorted(on_pages("deploy")))
def test_deploying_is_written_as_it_is_run_here(page: str, run: list[list[str]]) -> None:
    _, deploy = run
    [name] = [name for name in CLOUD_NAMES if f"env={name}" in page]
    plain = cdk.deploy(name)
    assert as_local(page)[: len(plain)] == plain
    assert deploy[: len(plain)] == as_local(cdk.written(plain), **{f"env={name}": "env=local"})
