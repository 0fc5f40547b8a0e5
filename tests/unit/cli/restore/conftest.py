"""One environment a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from cli.restore.clients import Clients
from tests.unit.cli.restore.world import Connected, Functions, Stack, deployed, dynamodb_client


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connected]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        dynamodb = dynamodb_client()
        deployed(dynamodb)
        found = Connected(Clients(dynamodb, Stack(), Functions()))
        monkeypatch.setattr(
            "cli.environments.place.stack_outputs", lambda stack, *_: found.clients.cloudformation.outputs[stack]
        )
        yield found
