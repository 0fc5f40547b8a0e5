"""An emulator that nobody else uses, as the account that a deployment works in."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from deploy.account import Account
from local.emulator.process import Emulator
from local.machine.layout import REPOSITORY
from local.setup.toolchain import ACCOUNT, REGION, cdk_command, cdk_environment

Translate = Callable[[Sequence[str]], Sequence[str]]


def own_account(emulator: Emulator, output: Path, *, translate: Translate = lambda arguments: arguments) -> Account:
    """The emulator's account. `translate` changes what the command line is asked for; its assembly is in `output`."""

    def client(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=emulator.endpoint,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 2}),
        )

    def cdk(arguments: Sequence[str]) -> int:
        with (output.parent / "cdk.log").open("ab") as log:
            return subprocess.run(
                [*cdk_command(*translate(arguments)), "--require-approval=never", f"--output={output}"],
                cwd=REPOSITORY,
                env=cdk_environment(emulator.endpoint),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=600,
                check=False,
            ).returncode

    return Account(number=ACCOUNT, region=REGION, client=client, cdk=cdk)
