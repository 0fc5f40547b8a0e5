"""One environment a test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stacks import environment
from tests.support.dynamodb_tables import moto_client
from tests.unit.cli.projections.world import SEGMENTS, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    """Prod, with an empty control row in both read models, and no pauses."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cli.projections.watching.POLL_SECONDS", 0.0)
    prod = replace(environment.PROD, rebuild_segments=SEGMENTS, rebuild_concurrency=2)
    local = replace(environment.LOCAL, rebuild_segments=SEGMENTS, rebuild_concurrency=2)
    for module in ("rebuilding", "first_builds"):
        monkeypatch.setattr(f"cli.projections.{module}.ENVIRONMENTS", {"prod": prod, "local": local})
    with moto_client() as client:
        found = World(client)
        monkeypatch.setattr("cli.environments.place.stack_outputs", lambda stack, *_: found.outputs(stack))
        monkeypatch.setattr("cli.projections.dropping.sleep", found.slept.append)
        yield found
