"""The module of a deployed function, imported as a new container imports it: with its variables, and nothing kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest


def forgotten(monkeypatch: pytest.MonkeyPatch, module: str, variables: Mapping[str, str]) -> pytest.MonkeyPatch:
    """Set the function's variables, and let its module be imported anew."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, module, raising=False)
    return monkeypatch
