"""The API under test, in process."""

from __future__ import annotations

import pytest

for module in ("api", "commands", "conformance", "hostile", "in_process", "preconditions", "reads"):
    pytest.register_assert_rewrite(f"tests.unit.httpapi.suite.{module}")
