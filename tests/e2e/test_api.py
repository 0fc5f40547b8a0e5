"""The suite of the HTTP API against the deployed system: every route, every error, hostile input."""

from __future__ import annotations

from functools import partial

import pytest

from local.machine.environment import Environment
from tests.e2e import sealing
from tests.unit.httpapi.suite import *  # noqa: F403 - the suite's own list of what runs
from tests.unit.httpapi.suite.api import Api
from tests.unit.httpapi.suite.over_http import HttpApi


@pytest.fixture
def api(environment: Environment) -> Api:
    """The API as a client reaches it."""
    return HttpApi(url=environment.api_url, common_headers=environment.headers, seal=partial(sealing.seal, environment))
