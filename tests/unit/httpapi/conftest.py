"""Prepares for the handler's import: Powertools reads its variables when it is imported, wherever that happens."""

from __future__ import annotations

import os

from tests.support.function_variables import POWERTOOLS

for name, value in POWERTOOLS.items():
    os.environ.setdefault(name, value)
