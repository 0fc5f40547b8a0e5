"""The domain imports nothing but itself, msgspec and harmless parts of the standard library."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import lambdas.accounts

PACKAGE = Path(lambdas.accounts.__file__).parent
ALLOWED = {"__future__", "collections.abc", "datetime", "re", "typing", "msgspec"}
IMPURE_CALLS = {"now", "utcnow", "today", "time", "open", "print", "getenv", "uuid4", "urandom", "random"}


@pytest.mark.parametrize("module", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_imports_and_calls_are_pure(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= ALLOWED
        elif isinstance(node, ast.ImportFrom):
            assert node.module in ALLOWED or str(node.module).startswith("lambdas.accounts.")
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert name not in IMPURE_CALLS
