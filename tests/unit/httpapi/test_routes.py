"""The suite of the HTTP API, in process: the handler over the in-memory store."""

from __future__ import annotations

import pytest

from tests.unit.httpapi.suite import *  # noqa: F403 - the suite's own list of what runs
from tests.unit.httpapi.suite.api import Api
from tests.unit.httpapi.suite.in_process import in_process_api


@pytest.fixture(params=["text", "base64"])
def api(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Bodies arrive as text, or in base64 when the gateway takes them for binary."""
    return in_process_api(monkeypatch, binary=request.param == "base64")
