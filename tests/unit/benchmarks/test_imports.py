"""The benchmark of imports gives the handlers the variables that they read when they start."""

from __future__ import annotations

import inspect

import pytest

from benchmarks.imports import FUNCTION_ENVIRONMENT
from lambdas.composition import settings

KINDS = [each for name, each in inspect.getmembers(settings, inspect.isclass) if name.endswith("Settings")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_function_finds_its_settings(kind: type[settings.LedgerSettings]) -> None:
    assert settings.load(kind, FUNCTION_ENVIRONMENT)
