"""What holds for every test: the pinned Node, how much is tried, printed seeds, and unit tests that call nobody."""

from __future__ import annotations

import os
import random
import socket
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

from tests.support.runs import RUNS_VARIABLE, SEED_VARIABLE, chosen, examples, first_seed

pytest.register_assert_rewrite("tests.unit.httpapi.suite")  # run in process and against the deployed API

UNIT_TESTS = Path(__file__).parent / "unit"

settings.register_profile("daybook", max_examples=examples(), print_blob=True, derandomize=False, deadline=None)
settings.load_profile("daybook")

# As activating the virtual environment would do: jsii, which starts when aws_cdk is imported, takes the first `node`
# of the path, and only the virtual environment's is pinned.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed here, so that it can be printed and given again."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(random.SystemRandom().getrandbits(32))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what Hypothesis drives, and the longest runs, as generated."""
    for item in items:
        if is_hypothesis_test(getattr(item, "function", None)) or item.get_closest_marker("thousands"):
            item.add_marker("generated")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """The seeds; the same tests with the same seeds see the same inputs."""
    return [
        f"random inputs: repeat with --hypothesis-seed={config.option.hypothesis_seed}",
        f"seeded runs: {RUNS_VARIABLE}={chosen()} {SEED_VARIABLE}={first_seed()}",
    ]


@pytest.fixture(autouse=True)
def _no_network_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if UNIT_TESTS not in request.path.parents:
        return
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def connect_here(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise AssertionError(f"a unit test connects to {address}")
        connect(self, address)

    def look_up_here(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not _is_here(host):
            raise AssertionError(f"a unit test looks up {host!r}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setattr(socket, "getaddrinfo", look_up_here)


def _is_here(host: Any) -> bool:
    """Whether a host is this machine itself."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
