"""The blocks of the README and of docs/ that are marked for it, run in order on the deployed system.

tests/support/pages/page.py says how a block is marked. What needs no system, such as the names of commands in the
blocks that are not run, is looked at in tests/unit/docs.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from local.machine.environment import Environment
from local.machine.layout import REPOSITORY
from tests.e2e.conftest import ENVIRONMENT_VARIABLE
from tests.support.pages.files import run_pages
from tests.support.pages.page import read_page
from tests.support.pages.running import checkout, run_page


@pytest.fixture
def state(request: pytest.FixtureRequest, environment: Environment, tmp_path: Path) -> Path:
    """A folder whose environment.json describes the deployed system: the one that this system keeps, if possible."""
    given = os.environ.get(ENVIRONMENT_VARIABLE)
    if given is None:
        return Path(request.getfixturevalue("deployed").state)
    if Path(given).name == "environment.json":
        return Path(given).resolve().parent
    environment.save(tmp_path / "state" / "environment.json")
    return tmp_path / "state"


PAGES = [name for name in run_pages() if any(block.is_run for block in read_page(REPOSITORY, name).blocks)]


@pytest.mark.parametrize("name", PAGES)
def test_every_block_of_the_page_does_what_the_page_says(name: str, state: Path, tmp_path: Path) -> None:
    folder = checkout(REPOSITORY, state, tmp_path / "daybook")
    scratch = tmp_path / "blocks"
    scratch.mkdir()

    problems = list(run_page(read_page(REPOSITORY, name), folder, scratch))

    assert not problems, "\n\n".join(map(str, problems))
