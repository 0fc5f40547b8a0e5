"""What differs between environments: one frozen object each, picked by `-c env=NAME`.

Every environment has the same topology, and no template holds an account or a region.
"""

from dataclasses import dataclass, replace

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays
from constructs import Node

MAX_SNAPSHOT_INTERVAL = 50
LOG_LEVELS = ("INFO", "WARN", "ERROR")


class UnknownEnvironmentError(ValueError):
    """`-c env=NAME` names no environment."""


class InvalidContextError(ValueError):
    """A context value has the wrong form, or the environment does not take it."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Sizes, retention and protection of one environment. Rates are requests per second."""

    name: str
    protect_data: bool
    require_iam: bool
    bundle_packages: bool
    log_retention: RetentionDays
    log_level: str
    throttling_rate: int
    throttling_burst: int
    function_memory_mb: int
    snapshot_interval: int = 10

    def __post_init__(self) -> None:
        """Raises ValueError for a log level at which the SDK would log requests with the function's session token."""
        if self.log_level not in LOG_LEVELS:
            raise ValueError(f"the log level is one of {', '.join(LOG_LEVELS)}, not {self.log_level}")

    @property
    def removal_policy(self) -> RemovalPolicy:
        """Protected data outlives its stack."""
        return RemovalPolicy.RETAIN if self.protect_data else RemovalPolicy.DESTROY


LOCAL = Environment(
    name="local",
    protect_data=False,
    require_iam=False,
    bundle_packages=False,  # the emulator runs functions in the virtual environment, which has the packages
    log_retention=RetentionDays.ONE_DAY,
    log_level="INFO",
    throttling_rate=1_000,
    throttling_burst=1_000,
    function_memory_mb=512,
)
DEV = Environment(
    name="dev",
    protect_data=True,
    require_iam=True,
    bundle_packages=True,
    log_retention=RetentionDays.ONE_MONTH,
    log_level="INFO",
    throttling_rate=50,
    throttling_burst=100,
    function_memory_mb=1024,
)
STAGING = replace(
    DEV,
    name="staging",
    log_retention=RetentionDays.THREE_MONTHS,
    log_level="INFO",
    throttling_rate=500,
    throttling_burst=1_000,
    function_memory_mb=1769,  # one full vCPU
)
PROD = replace(
    STAGING,
    name="prod",
    log_retention=RetentionDays.ONE_YEAR,
    throttling_rate=2_000,
    throttling_burst=4_000,
)

ENVIRONMENTS = {each.name: each for each in (LOCAL, DEV, STAGING, PROD)}


def environment(name: str) -> Environment:
    """The environment of that name. Raises UnknownEnvironmentError, which lists the names there are."""
    try:
        return ENVIRONMENTS[name]
    except KeyError:
        known = ", ".join(ENVIRONMENTS)
        raise UnknownEnvironmentError(f"unknown environment {name!r}: use -c env=NAME with one of {known}") from None


def environment_from_context(node: Node) -> Environment:
    """The environment named by the context value `env`; there is no default, since `local` is open to everybody.

    `-c snapshot_interval=N` (1 to 50) overrides the interval of `local`, to try another one on a workstation.
    Raises UnknownEnvironmentError and InvalidContextError.
    """
    chosen = environment(str(node.try_get_context("env") or ""))
    interval = node.try_get_context("snapshot_interval")
    if interval is None:
        return chosen
    if chosen.name != LOCAL.name:
        raise InvalidContextError("snapshot_interval can be overridden in the local environment only")
    if not str(interval).isdecimal() or not 1 <= int(interval) <= MAX_SNAPSHOT_INTERVAL:
        raise InvalidContextError(f"snapshot_interval is a whole number from 1 to {MAX_SNAPSHOT_INTERVAL}")
    return replace(chosen, snapshot_interval=int(interval))
