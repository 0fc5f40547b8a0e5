"""A deployed system for a whole test run, brought up by the code behind `make run`.

By default the run has an emulator of its own, which ends with it. DAYBOOK_ENVIRONMENT_FILE names the
environment.json of a system that runs already and is to be used instead.

Processes of pytest-xdist share the system, and files of tests share their time on it: side by side, unless a file is
marked `alone`, for what it looks at is the whole system, or what it stops or breaks others need.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from local import system
from local.machine.environment import Environment
from local.machine.layout import Layout, default_layout
from local.machine.progress import Progress
from tests.e2e.turns import shared_by_a_run, turn

ENVIRONMENT_VARIABLE = "DAYBOOK_ENVIRONMENT_FILE"
LAYOUT = Layout(default_layout().state / "test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the operation into the ids of tests that schemathesis made: of equal ids pytest-xdist runs only one."""
    for item in items:
        name, _, operation = item.name.partition("[")
        if operation and item.id.params is None and item.nodeid.endswith(f"::{name}"):
            item._id = item.id.with_params(operation.removesuffix("]"))


@pytest.fixture(scope="session")
def deployed() -> Iterator[Layout]:
    """The layout of a system that this run started; skips where a running one is given."""
    if os.environ.get(ENVIRONMENT_VARIABLE):
        pytest.skip(f"{ENVIRONMENT_VARIABLE} names a running system, and this needs one of its own")

    def start() -> None:
        system.down(LAYOUT)
        system.up(LAYOUT, Progress())

    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(uuid4())
    with shared_by_a_run(LAYOUT.state, run, start=start, stop=lambda: system.down(LAYOUT)):
        yield LAYOUT


@pytest.fixture(scope="module", autouse=True)
def _turn(request: pytest.FixtureRequest) -> Iterator[None]:
    """A file of tests begins when it has its turn on the system."""
    with turn(LAYOUT.state / "turns.lock", alone=request.node.get_closest_marker("alone") is not None):
        yield


@pytest.fixture(scope="session")
def environment(request: pytest.FixtureRequest) -> Environment:
    """Where the deployed system is, as any other program finds it."""
    given = os.environ.get(ENVIRONMENT_VARIABLE)
    if given:
        return Environment.load(Path(given))
    layout: Layout = request.getfixturevalue("deployed")
    return Environment.load(layout.environment_file)
