"""Clients of the emulator's AWS services. Any credentials work; HTTP proxies of the machine are not used."""

from typing import Any

import boto3
from botocore.config import Config

from local.machine.environment import Environment


def client(environment: Environment, service: str) -> Any:
    """A low-level boto3 client of one service."""
    return boto3.client(
        service,
        endpoint_url=environment.aws_endpoint_url,
        region_name=environment.region,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - not a secret: the emulator takes any
        config=Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 2}),
    )
