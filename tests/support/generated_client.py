"""A Python client made from the committed OpenAPI document by openapi-python-client, imported where it was made."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lambdas.contracts.openapi import OPENAPI_FILE
from local.machine.layout import default_layout
from local.machine.progress import Progress
from local.setup.tools import CLIENTS, prepare_clients
from tests.e2e.turns import turn

PACKAGE = "daybook_client"


def generate(folder: Path, document: Path = OPENAPI_FILE) -> subprocess.CompletedProcess[str]:
    """Make the package in a folder. A warning is a failure: each says that something is left out of the client."""
    with turn(default_layout().state / "clients-test.lock", alone=True):
        prepare_clients(Progress())
    config = folder / "config.yml"
    config.write_text("post_hooks: []\n")  # nobody reads it, so it need not be formatted
    options = ["--meta", "none", "--output-path", str(folder / PACKAGE), "--config", str(config), "--fail-on-warning"]
    command = [CLIENTS.program("openapi-python-client"), "generate", "--path", str(document), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


class GeneratedClient:
    """The package: its models by name, and its operations by the name of their module."""

    def __init__(self) -> None:
        self.models: Any = importlib.import_module(f"{PACKAGE}.models")
        self._client: Any = importlib.import_module(PACKAGE).Client

    def at(self, url: str) -> Any:
        """A client for an API."""
        return self._client(base_url=url)

    def operation(self, name: str) -> Any:
        """The module of an operation: its `sync` gives the parsed answer, `sync_detailed` the whole one."""
        return importlib.import_module(f"{PACKAGE}.api.default.{name}")


@contextmanager
def imported(folder: Path) -> Iterator[GeneratedClient]:
    """The package in a folder, which nobody can import afterwards."""
    sys.path.insert(0, str(folder))
    try:
        yield GeneratedClient()
    finally:
        sys.path.remove(str(folder))
        for name in [each for each in sys.modules if each.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
