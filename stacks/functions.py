"""Creates the service's functions: sources, packages, and the environment variables that all functions share."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Duration, Stack
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_iam import IRole
from aws_cdk.aws_lambda import ILayerVersion
from constructs import Construct

from constructs_lib.alarms import alarm_above, alarm_on_any
from constructs_lib.python_function import ARCHITECTURE, RUNTIME, PythonFunction
from constructs_lib.python_packages import PythonPackages
from constructs_lib.source_files import source_code
from stacks.environment import Environment
from stacks.retention import log_retention, removal_policy

REPOSITORY = Path(__file__).resolve().parents[1]
SERVICE = "daybook"
NEAR_TIMEOUT = 0.8
"""The share of a function's timeout above which a single invocation raises an alarm."""


def daybook_function(
    scope: Construct,
    construct_id: str,
    *,
    config: Environment,
    handler: str,
    description: str,
    memory_mb: int,
    timeout: Duration,
    environment: Mapping[str, str],
    data: tuple[str, ...] = (),
    reserved_concurrency: int = 0,
    snap_start: bool = False,
    keep_versions: bool = False,
    role: IRole | None = None,
) -> PythonFunction:
    """The function with the handler `lambdas.handlers.<handler>`, and its alarms: throttled, or near its timeout.

    It ships what the handler imports, and the files of the folders `data` of the repository. With
    `reserved_concurrency` 0 it shares the account's executions. `snap_start` is for a function for whose start somebody
    waits, and which is called at least every 14 days; the environment can switch it off. With `keep_versions` the
    function can go back to an earlier version.
    """
    module = f"lambdas.handlers.{handler}"
    function = PythonFunction(
        scope,
        construct_id,
        code=source_code(REPOSITORY, module, data=data),
        handler=f"{module}.handler",
        description=description,
        memory_mb=memory_mb,
        timeout=timeout,
        environment={
            **environment,
            "ENVIRONMENT": config.name,
            "LEDGER_GENERATION": str(config.ledger_generation),  # no code reads it: see Environment.ledger_generation
            "POWERTOOLS_SERVICE_NAME": SERVICE,
            "POWERTOOLS_METRICS_NAMESPACE": SERVICE,
            "POWERTOOLS_LOG_LEVEL": config.log_level,
        },
        layers=[_packages(Stack.of(scope))] if config.bundle_packages else [],
        log_level=config.log_level,
        log_retention=log_retention(config),
        log_removal_policy=removal_policy(config),
        snap_start=snap_start and config.snap_start,
        keep_versions=keep_versions,
        reserved_concurrency=reserved_concurrency or None,
        role=role,
    )
    alarm_on_any(
        function,
        "Throttles",
        metric=function.live.metric_throttles(),
        description=(
            f"Lambda throttles the function {handler}: "
            "its reserved concurrency, or what is left of the AWS account's, is used up."
        ),
    )
    alarm_above(
        function,
        "NearTimeout",
        metric=function.live.metric_duration(),
        threshold=NEAR_TIMEOUT * timeout.to_milliseconds(),
        periods=1,  # some functions run once a day
        description=f"An invocation of the function {handler} took nearly as long as it may (milliseconds).",
    )
    return function


def own_metric(config: Environment, name: str, **more: str) -> Metric:
    """A metric that the functions of an environment write, with the dimensions `more` beside those of all."""
    return Metric(
        namespace=SERVICE,
        metric_name=name,
        dimensions_map={**metric_dimensions(config), **more},
    )


def metric_dimensions(config: Environment) -> dict[str, str]:
    """The dimensions of all metrics that the functions of an environment write."""
    return {"service": SERVICE, "environment": config.name}


def _packages(stack: Stack) -> ILayerVersion:
    """The third-party packages: one layer for all functions of a stack."""
    found = stack.node.try_find_child("Packages")
    if isinstance(found, PythonPackages):
        return found
    return PythonPackages(
        stack,
        "Packages",
        requirements=REPOSITORY / "lambdas" / "requirements.txt",
        runtime=RUNTIME,
        architecture=ARCHITECTURE,
    )
