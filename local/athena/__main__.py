"""`python -m local.athena PORT EMULATOR_URL INSTANCE`: runs the proxy until the process that started it ends."""

import os
import sys
import threading
import time
from typing import Any

import boto3
from botocore.config import Config

from local.athena.proxy import Proxy
from local.athena.service import Service
from local.emulator import ports

_POLL_SECONDS = 1.0


def main() -> None:
    """Serve until the parent process ends."""
    port, emulator, instance = sys.argv[1:]
    parent = os.getppid()

    def client(name: str) -> Any:
        config = Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 2})
        return boto3.client(name, endpoint_url=emulator, config=config)

    service = Service(glue=client("glue"), s3=client("s3"), athena=client("athena"))
    proxy = Proxy((ports.HOST, int(port)), emulator=emulator, instance=instance, service=service)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main()
