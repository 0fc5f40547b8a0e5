"""What holds for every test: a printed seed for random inputs, and unit tests that reach no other machine."""

from __future__ import annotations

import random
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.unit.httpapi.suite")  # run in process and against the deployed API

UNIT_TESTS = Path(__file__).parent / "unit"

settings.register_profile("daybook", print_blob=True, derandomize=False, deadline=None)
settings.load_profile("daybook")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed here, so that it can be printed and given again."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(random.SystemRandom().getrandbits(32))


def pytest_report_header(config: pytest.Config) -> str:
    """The seed; the same tests with the same seed see the same inputs."""
    return f"random inputs: repeat with --hypothesis-seed={config.option.hypothesis_seed}"


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
