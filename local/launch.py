"""Becomes the emulator: starts the proxy for Athena as a child, and is then replaced by ministack.

So both are one process group with one leader, whose record and end are those of the emulator. Run by path, with
`ATHENA_PROXY` as "PORT EMULATOR_URL INSTANCE"; standard library only.
"""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def main() -> None:
    """Never returns."""
    proxy = [sys.executable, "-m", "local.athena", *os.environ.pop("ATHENA_PROXY").split()]
    subprocess.Popen(proxy, cwd=REPOSITORY, stdin=subprocess.DEVNULL)
    os.execv(sys.executable, [sys.executable, "-m", "ministack"])  # noqa: S606 - nothing of it comes from outside


if __name__ == "__main__":
    main()
