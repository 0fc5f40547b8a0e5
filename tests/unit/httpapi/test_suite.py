"""The suite of the HTTP API runs whole, in process and against the deployed system."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from tests.e2e import test_api
from tests.unit.httpapi import suite, test_routes

MODULES = [name for _, name, _ in pkgutil.iter_modules(suite.__path__)]


def _tests_in(module: object) -> set[str]:
    return {name for name in vars(module) if name.lower().startswith("test")}


@pytest.mark.parametrize("name", MODULES)
def test_every_test_of_the_suite_is_in_its_list(name: str) -> None:
    module = importlib.import_module(f"{suite.__name__}.{name}")

    assert _tests_in(module) <= set(suite.__all__)


@pytest.mark.parametrize("module", [test_routes, test_api], ids=["in process", "deployed"])
def test_whoever_imports_the_suite_runs_all_of_it(module: object) -> None:
    assert _tests_in(module) == {name for name in suite.__all__ if name.startswith("Test")}
