"""The programs that are started, and what they may see of the user's environment: no credentials, no proxies."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from local.machine.layout import REPOSITORY

REGION = "us-east-1"
ACCOUNT = "000000000000"
BIN = Path(sys.executable).parent

_PASSED_ON = ("HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "TMPDIR", "XDG_CACHE_HOME")
_NO_CALLS_HOME = {"CDK_DISABLE_CLI_TELEMETRY": "true", "CDK_DISABLE_VERSION_CHECK": "1"}


def clean_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """A small environment in which the virtual environment's programs come first and AWS is out of reach."""
    return {
        **{name: environ[name] for name in _PASSED_ON if name in environ},
        "PATH": os.pathsep.join([str(BIN), "/usr/local/bin", "/usr/bin", "/bin"]),
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def emulator_environment(
    *, port: int, athena_port: int, api_port: int, host: str, instance: str, data: Path
) -> dict[str, str]:
    """ministack's settings: loopback only, functions as subprocesses, every file below `data`.

    Its health endpoint repeats MINISTACK_EDITION: that is how an emulator is recognized. Functions inherit the
    address of the proxy for Athena; `local.emulator.launch` starts both proxies. Time is UTC, as in Lambda and Athena.
    """
    return {
        **clean_environment(),
        "TZ": "UTC",
        "AWS_ENDPOINT_URL_ATHENA": f"http://{host}:{athena_port}",
        "ATHENA_PROXY": f"{athena_port} http://{host}:{port} {instance}",
        "GATEWAY_PROXY": f"{api_port} http://{host}:{port} {instance}",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": host,
        "MINISTACK_EDITION": instance,
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(data / "tmp"),
        "STATE_DIR": str(data / "state"),
        "S3_DATA_DIR": str(data / "s3"),
        "PYTHONUNBUFFERED": "1",
    }


def synth_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The user's environment without AWS: bundling packages may need the user's package registry and proxy."""
    kept = {name: value for name, value in environ.items() if not name.startswith("AWS_")}
    return {**kept, **clean_environment(environ), **_NO_CALLS_HOME}


def cdk_environment(endpoint: str) -> dict[str, str]:
    """The CDK command line's settings: the emulator instead of AWS, and no calls home."""
    return {
        **clean_environment(),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_S3": endpoint,
        **_NO_CALLS_HOME,
    }


def cdk_program() -> list[str]:
    """The pinned command line, on the virtual environment's own Node."""
    return [str(BIN / "node"), str(REPOSITORY / "node_modules" / "aws-cdk" / "bin" / "cdk")]


def cdk_command(*arguments: str) -> list[str]:
    """A command whose output is kept in a log."""
    return [*cdk_program(), *arguments, "--no-notices", "--no-color", "--ci"]
