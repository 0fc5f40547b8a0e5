"""`python -m local.gateway PORT EMULATOR_URL INSTANCE`: runs the proxy until the process that started it ends."""

import os
import sys
import threading
import time

import boto3
from botocore.config import Config

from local.emulator import ports
from local.gateway.deployed import DeployedApis
from local.gateway.dynamodb import DynamoDB
from local.gateway.proxy import Proxy

_POLL_SECONDS = 1.0


def main() -> None:
    """Serve until the parent process ends."""
    port, emulator, instance = sys.argv[1:]
    parent = os.getppid()
    session = boto3.Session()
    config = Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 2})
    proxy = Proxy(
        (ports.HOST, int(port)),
        emulator=emulator,
        instance=instance,
        apis=DeployedApis(session.client("apigateway", endpoint_url=emulator, config=config)),
        send=DynamoDB(emulator, session.get_credentials()),
    )
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main()
