"""The stacks on the emulator: bootstrap once, `cdk deploy` when their sources changed, read their outputs."""

import re
import shutil
from dataclasses import asdict, dataclass
from typing import Any

from local.emulator import process as emulator
from local.emulator.process import Emulator
from local.machine import files
from local.machine.environment import Environment
from local.machine.errors import DeployFailedError
from local.machine.layout import REPOSITORY, Layout
from local.setup import cdk
from local.setup.programs import run_logged
from local.setup.toolchain import ACCOUNT, REGION, cdk_command, cdk_environment
from stacks.environment import LOCAL

_API_URL = re.compile(r"https?://(?P<api>[^.]+)\.execute-api\.[^/]+/(?P<stage>[^/]+)/?")
_TIMEOUT_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The state of a deployment on an emulator. `fingerprint` is empty until a deployment has succeeded."""

    instance: str
    fingerprint: str


def current(layout: Layout) -> Deployment | None:
    """The record of the last deployment, on any emulator."""
    try:
        return Deployment(**files.read_json(layout.deployment_file))
    except TypeError:
        return None


def is_bootstrapped(layout: Layout, found: Emulator) -> bool:
    """Whether the CDK's own resources are on this emulator."""
    last = current(layout)
    return last is not None and last.instance == found.instance


def is_current(layout: Layout, found: Emulator, fingerprint: str) -> bool:
    """Whether exactly these sources are deployed on this emulator."""
    expected = Deployment(instance=found.instance, fingerprint=fingerprint)
    return current(layout) == expected and layout.environment_file.exists()


def bootstrap(layout: Layout, found: Emulator) -> None:
    """Create what the CDK needs in an account. Raises DeployFailedError."""
    _cdk(layout, found, *cdk.bootstrap(ACCOUNT, REGION, LOCAL.name), f"--output={layout.assembly}")
    _record(layout, Deployment(instance=found.instance, fingerprint=""))


def deploy(layout: Layout, found: Emulator) -> Environment:
    """Deploy the stacks of the `local` environment to the emulator and write environment.json.

    Until `complete` the deployment counts as unknown, and the next run deploys again. Raises DeployFailedError.
    """
    _record(layout, Deployment(instance=found.instance, fingerprint=""))
    layout.outputs_file.unlink(missing_ok=True)
    shutil.rmtree(layout.assembly, ignore_errors=True)
    _cdk(
        layout,
        found,
        *cdk.deploy(LOCAL.name),
        "--require-approval=never",
        f"--output={layout.assembly}",
        f"--outputs-file={layout.outputs_file}",
    )
    environment = environment_from_outputs(files.read_json(layout.outputs_file), found)
    environment.save(layout.environment_file)
    return environment


def complete(layout: Layout, found: Emulator, fingerprint: str) -> None:
    """Note that exactly these sources are deployed, and that all is done that a deployment needs."""
    _record(layout, Deployment(instance=found.instance, fingerprint=fingerprint))


def environment_from_outputs(outputs: dict[str, Any], found: Emulator) -> Environment:
    """The environment that `{stack: {output: value}}` describes. Raises DeployFailedError for a missing output."""
    values = {name: value for stack in outputs.values() for name, value in stack.items()}
    try:
        return Environment(
            api_url=local_api_url(values["ApiUrl"], found.api_endpoint),
            aws_endpoint_url=found.endpoint,
            region=REGION,
            event_table=values["EventTableName"],
            commands_table=values["CommandsTableName"],
            command_processor=values["CommandProcessorName"],
            command_parking_bucket=values["CommandParkingBucketName"],
            domain_event_stream=values["DomainEventStreamName"],
            lake_bucket=values["LakeBucketName"],
            glue_database=values["GlueDatabaseName"],
            athena_workgroup=values["AthenaWorkgroupName"],
            report_bucket=values["ReportBucketName"],
            athena_endpoint_url=found.athena_endpoint,
        )
    except KeyError as error:
        raise DeployFailedError(f"The deployed stacks have no output named {error.args[0]}.") from None


def local_api_url(url: str, endpoint: str) -> str:
    """The address in the local gateway for a REST API's address on AWS.

    Raises DeployFailedError for another address.
    """
    match = _API_URL.fullmatch(url)
    if match is None:
        raise DeployFailedError(f"The deployed API's address is not that of a REST API: {url}")
    return f"{endpoint}/restapis/{match['api']}/{match['stage']}/_user_request_"


def _record(layout: Layout, deployment: Deployment) -> None:
    files.write_json(layout.deployment_file, asdict(deployment))


def _cdk(layout: Layout, found: Emulator, *arguments: str) -> None:
    """Run the pinned CDK command line; its output goes to a log of its own."""
    log_file = layout.cdk_log(arguments[0])
    try:
        status = run_logged(
            cdk_command(*arguments),
            log_file,
            cwd=REPOSITORY,
            env=cdk_environment(found.endpoint),
            timeout=_TIMEOUT_SECONDS,
            alive=lambda: emulator.find(layout) is not None,
        )
    except FileNotFoundError:
        raise DeployFailedError("The CDK command line is not installed. Run `make install`.") from None
    if status != 0:
        raise DeployFailedError(
            f"`cdk {arguments[0]}` failed (exit status {status}). Its whole log is {log_file}.",
            detail=files.tail(log_file, 25),
        )
