"""A deployed system for a whole test session, brought up by the code behind `make run`.

By default the session has an emulator of its own, which ends with it. DAYBOOK_ENVIRONMENT_FILE names the
environment.json of a system that runs already and is to be used instead.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import system
from local.machine.environment import Environment
from local.machine.layout import Layout, default_layout
from local.machine.lock import only_one
from local.machine.progress import Progress

ENVIRONMENT_VARIABLE = "DAYBOOK_ENVIRONMENT_FILE"


@pytest.fixture(scope="session")
def deployed() -> Iterator[Layout]:
    """The layout of a system that this session started; skips where a running one is given."""
    if os.environ.get(ENVIRONMENT_VARIABLE):
        pytest.skip(f"{ENVIRONMENT_VARIABLE} names a running system, and this needs one of its own")
    layout = Layout(default_layout().state / "test")
    with only_one(layout.state / "session.lock", "running these tests"):
        system.down(layout)
        system.up(layout, Progress())
        yield layout
        system.down(layout)


@pytest.fixture(scope="session")
def environment(request: pytest.FixtureRequest) -> Environment:
    """Where the deployed system is, as any other program finds it."""
    given = os.environ.get(ENVIRONMENT_VARIABLE)
    if given:
        return Environment.load(Path(given))
    layout: Layout = request.getfixturevalue("deployed")
    return Environment.load(layout.environment_file)
