"""One AWS emulator as a detached process: start it, find it again, stop it.

The emulator inherits its own record, `emulator.json`, as an open and locked file. So the lock shows whether it runs,
also after a crash or a reboot, and while the file is locked the process id in the record is valid. The identity in the
health answer shows that the port belongs to this emulator and not to another one.
"""

import contextlib
import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from local.emulator import ports
from local.machine import files
from local.machine.errors import EmulatorFailedError
from local.machine.layout import REPOSITORY, Layout
from local.machine.lock import is_locked
from local.setup.toolchain import emulator_environment

COMMAND = (sys.executable, str(REPOSITORY / "local" / "emulator" / "launch.py"))
_HEALTH = "/_ministack/health"
_PROXY_HEALTH = "/_health"
_START_SECONDS = 60.0
_STOP_SECONDS = 8.0
_POLL_SECONDS = 0.1

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Emulators that this process started: as their parent it must wait for them when they end."""


@dataclass(frozen=True)
class Emulator:
    """A started emulator. `packages` is the fingerprint of the installed packages that it was started with."""

    pid: int
    port: int
    instance: str
    packages: str
    athena_port: int = 0
    api_port: int = 0

    @property
    def endpoint(self) -> str:
        """The endpoint of every AWS service."""
        return f"http://{ports.HOST}:{self.port}"

    @property
    def athena_endpoint(self) -> str:
        """The endpoint of Athena: the proxy that translates its SQL."""
        return f"http://{ports.HOST}:{self.athena_port}"

    @property
    def api_endpoint(self) -> str:
        """The endpoint of REST APIs: the gateway that runs their integrations with DynamoDB."""
        return f"http://{ports.HOST}:{self.api_port}"


def find(layout: Layout) -> Emulator | None:
    """The emulator whose process runs, whether it answers or not; None if there is none."""
    if not is_locked(layout.emulator_file):
        return None
    try:
        return Emulator(**files.read_json(layout.emulator_file))
    except TypeError:
        raise EmulatorFailedError(
            f"An emulator runs, but its record {layout.emulator_file} cannot be read. End its process and try again."
        ) from None


def is_healthy(emulator: Emulator, *, timeout: float = 5.0) -> bool:
    """Whether this emulator answers at its port, and its proxies at theirs."""
    places = (
        (emulator.port, _HEALTH),
        (emulator.athena_port, _PROXY_HEALTH),
        (emulator.api_port, _PROXY_HEALTH),
    )
    return all(_answers_as(emulator.instance, port, path, timeout) for port, path in places)


def _answers_as(instance: str, port: int, path: str, timeout: float) -> bool:
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(answer, dict) and answer.get("edition") == instance


def start(
    layout: Layout,
    *,
    port: int,
    packages: str = "",
    command: Sequence[str] = COMMAND,
    patience: float = _START_SECONDS,
) -> Emulator:
    """Start an emulator that outlives this process and wait until it answers.

    Raises EmulatorFailedError, with the end of its log, when it ends at once or does not answer in `patience` seconds.
    """
    _clear(layout)
    instance = secrets.token_hex(8)
    athena_port, api_port = ports.choose_port(None), ports.choose_port(None)
    environment = emulator_environment(
        port=port,
        athena_port=athena_port,
        api_port=api_port,
        host=ports.HOST,
        instance=instance,
        data=layout.data,
    )
    with layout.emulator_file.open("w", encoding="utf-8") as record:
        fcntl.flock(record, fcntl.LOCK_EX)
        with layout.emulator_log.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=layout.data,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[record.fileno()],
            )
        emulator = Emulator(
            pid=process.pid,
            port=port,
            instance=instance,
            packages=packages,
            athena_port=athena_port,
            api_port=api_port,
        )
        json.dump(asdict(emulator), record)
    try:
        _wait_until_healthy(layout, emulator, process, patience)
    except BaseException:
        _kill_group(emulator)
        process.wait()
        _clear(layout)
        raise
    _children[emulator.pid] = process
    return emulator


def _wait_until_healthy(layout: Layout, emulator: Emulator, process: subprocess.Popen[bytes], patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise EmulatorFailedError(
                f"The emulator ended at once (exit status {process.returncode}). Its log is {layout.emulator_log}.",
                detail=files.tail(layout.emulator_log),
            )
        if is_healthy(emulator, timeout=2.0):
            return
        time.sleep(_POLL_SECONDS)
    raise EmulatorFailedError(
        f"The emulator did not answer at {emulator.endpoint} within {patience:.0f} seconds. "
        f"Its log is {layout.emulator_log}.",
        detail=files.tail(layout.emulator_log),
    )


def stop(layout: Layout) -> bool:
    """Stop the emulator and its functions, and remove its data. False if none was running."""
    emulator = find(layout)
    if emulator is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(emulator.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while is_locked(layout.emulator_file) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        _kill_group(emulator)
        if emulator.pid in _children:
            _children[emulator.pid].wait()
    _clear(layout)
    return emulator is not None


def _kill_group(emulator: Emulator) -> None:
    """End the emulator's process group, which includes its functions."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(emulator.pid, signal.SIGKILL)


def _clear(layout: Layout) -> None:
    """Remove the records of an emulator that has ended and of its deployment: its state was in its memory."""
    for ended in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[ended]
    for gone in (layout.environment_file, layout.deployment_file, layout.emulator_file):
        gone.unlink(missing_ok=True)
    shutil.rmtree(layout.data, ignore_errors=True)
    layout.prepare()
    (layout.data / "tmp").mkdir(exist_ok=True)
