"""Starts, finds and stops the whole local system."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from local.emulator import deployment, ports, read_models
from local.emulator import process as emulator
from local.emulator.process import Emulator
from local.machine.environment import Environment
from local.machine.errors import DeployFailedError, EmulatorDiedError, LocalError, NotRunningError, PortInUseError
from local.machine.files import tail
from local.machine.layout import Layout
from local.machine.progress import Progress
from local.setup.fingerprint import PACKAGES, SOURCES, fingerprint

T = TypeVar("T")


@dataclass(frozen=True)
class System:
    """A running system. `deployed` is true if this command deployed it."""

    emulator: Emulator
    environment: Environment
    deployed: bool


def up(layout: Layout, progress: Progress, *, requested_port: int | None = None) -> System:
    """Start or find the emulator, and deploy the stacks if they are not current. Raises LocalError."""
    layout.prepare()
    running = _running_emulator(layout, progress, requested_port)
    sources = fingerprint(SOURCES)
    if deployment.is_current(layout, running, sources):
        progress.say("  done   Deployed already: nothing has changed since")
        return System(running, Environment.load(layout.environment_file), deployed=False)
    return System(running, _deploy(layout, progress, running, sources), deployed=True)


def down(layout: Layout) -> bool:
    """Stop the emulator and everything deployed on it. Returns False if none was running."""
    return emulator.stop(layout)


def running(layout: Layout) -> System:
    """The system that an earlier command started. Raises NotRunningError and EmulatorDiedError."""
    found = emulator.find(layout)
    if found is None:
        raise NotRunningError("Nothing is running. `make run` starts it.")
    if not emulator.is_healthy(found):
        raise EmulatorDiedError(
            f"The emulator (process {found.pid}) does not answer at {found.endpoint}. `make run` replaces it.",
            detail=tail(layout.emulator_log),
        )
    if not layout.environment_file.exists():
        raise NotRunningError("The emulator runs, but nothing is deployed on it. `make run` deploys.")
    return System(found, Environment.load(layout.environment_file), deployed=False)


def while_alive(layout: Layout, found: Emulator, action: Callable[[], T]) -> T:
    """Run an action that needs the emulator. Raises EmulatorDiedError if it fails because the emulator ended."""
    try:
        return action()
    except LocalError as error:
        if emulator.find(layout) is not None and emulator.is_healthy(found):
            raise
        raise EmulatorDiedError(
            f"The emulator (process {found.pid}) has ended. Its log is {layout.emulator_log}; "
            "`make run` starts a new one.",
            detail=tail(layout.emulator_log),
        ) from error


def _running_emulator(layout: Layout, progress: Progress, requested_port: int | None) -> Emulator:
    packages = fingerprint(PACKAGES)
    found = emulator.find(layout)
    if found is not None and _is_usable(found, progress, packages):
        if requested_port not in (None, found.port):
            raise PortInUseError(
                f"The emulator already runs on port {found.port}, not on {requested_port}. `make stop` stops it."
            )
        progress.say(f"  done   The emulator runs at {found.endpoint}")
        return found
    if found is not None:
        emulator.stop(layout)
    elif layout.emulator_file.exists():
        progress.say("  note   The last emulator ended without `make stop`; its data is lost")
    port = ports.choose_port(requested_port)
    with progress.step(f"Starting the AWS emulator on port {port}"):
        return emulator.start(layout, port=port, packages=packages)


def _is_usable(found: Emulator, progress: Progress, packages: str) -> bool:
    if found.packages != packages:
        progress.say("  note   The installed packages have changed: the emulator is replaced")
        return False
    if not emulator.is_healthy(found):
        progress.say("  note   The emulator does not answer: it is replaced")
        return False
    return True


def _deploy(layout: Layout, progress: Progress, found: Emulator, sources: str) -> Environment:
    fresh = not deployment.is_bootstrapped(layout, found)
    try:
        if fresh:
            with progress.step("Preparing it for the CDK (cdk bootstrap)"):
                while_alive(layout, found, lambda: deployment.bootstrap(layout, found))
        with progress.step("Deploying the stacks (cdk deploy)"):
            environment = while_alive(layout, found, lambda: deployment.deploy(layout, found))
        with progress.step("Building the read models"):
            while_alive(layout, found, lambda: read_models.build(layout.environment_file))
        deployment.complete(layout, found, sources)
    except DeployFailedError as error:
        if fresh:
            raise
        raise DeployFailedError(
            f"{error} To begin with an empty emulator: `make stop`, then `make run`.", detail=error.detail
        ) from error
    return environment
