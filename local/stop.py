"""`python3 -m local.stop`: stops the system that `make run` started. Standard library only, so that it always works."""

import sys

from local import system
from local.machine.exits import exit_status
from local.machine.layout import Layout, default_layout
from local.machine.lock import only_one


def stop(layout: Layout) -> bool:
    """Stop the emulator and everything deployed on it. Returns False if none was running."""
    with only_one(layout.lock_file, "starting or stopping this environment"):
        return system.down(layout)


def _say() -> None:
    sys.stdout.write("Stopped.\n" if stop(default_layout()) else "Nothing was running.\n")


def main() -> int:
    """Stop the system, and print whether one was running."""
    return exit_status(_say, when_interrupted="`make stop` goes on from here.")


if __name__ == "__main__":
    sys.exit(main())
