"""Prepares for the handler's import: Powertools reads its variables when it is imported, wherever that happens."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "daybook")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "daybook")

for module in ("api", "commands", "conformance", "hostile", "in_process", "preconditions", "reads"):
    pytest.register_assert_rewrite(f"tests.unit.httpapi.suite.{module}")
