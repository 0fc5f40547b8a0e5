"""`python -m local run|status|logs`: called by the make targets of these names."""

import sys
from importlib import import_module

from local.machine.exits import exit_status


def main(arguments: list[str] | None = None) -> int:
    """Run one command."""
    return exit_status(
        # Imported here, so that Ctrl-C while packages load ends with a sentence too.
        lambda: import_module("local.commands").main(arguments),
        when_interrupted="`make run` goes on from here; `make stop` stops what was started.",
    )


if __name__ == "__main__":
    sys.exit(main())
