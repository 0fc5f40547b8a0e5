"""One environment a test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from moto import mock_aws

from cli.restore.clients import Clients
from stacks import environment
from tests.unit.cli.restore.world import Connected, DynamoDB, Functions, Stack, deployed


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Connected]:
    """Prod, in a folder of its own, with writes off."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.chdir(tmp_path)
    with mock_aws():
        dynamodb = DynamoDB()
        deployed(dynamodb.moto)
        found = Connected(Clients(dynamodb, Stack(), Functions()))
        monkeypatch.setattr(
            "cli.environments.place.stack_outputs", lambda stack, *_: found.clients.cloudformation.outputs[stack]
        )
        yield found


@pytest.fixture
def without_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto can restore to now only, as the emulator: the window is not looked at."""
    prod = replace(environment.PROD, recovery_windows=False)
    monkeypatch.setattr("cli.restore.planning.ENVIRONMENTS", {"prod": prod})


@pytest.fixture
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto is ready when it is asked again."""
    monkeypatch.setattr("cli.restore.waiting.POLL_SECONDS", 0.0)
