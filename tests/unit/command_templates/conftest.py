"""A commands table in this process, empty at the start of every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.support.command_gateway import Rows


@pytest.fixture(scope="module")
def table() -> Iterator[Rows]:
    with mock_aws():
        yield Rows()


@pytest.fixture
def rows(table: Rows) -> Iterator[Rows]:
    yield table
    table.clear()
