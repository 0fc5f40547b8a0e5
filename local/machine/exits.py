"""Exit statuses of the commands of this package. An error is printed as a sentence, without a traceback."""

import sys
from collections.abc import Callable

from local.machine.errors import LocalError

FAILED = 1
INTERRUPTED = 130


def exit_status(action: Callable[[], None], *, when_interrupted: str) -> int:
    """Run an action. Returns 0; 1 after a LocalError, which is printed; 130 after Ctrl-C."""
    try:
        action()
    except LocalError as error:
        sys.stdout.flush()
        sys.stderr.write(f"\n{error}\n")
        if error.detail:
            indented = error.detail.replace("\n", "\n    ")
            sys.stderr.write(f"\n    {indented}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write(f"\nInterrupted. {when_interrupted}\n")
        return INTERRUPTED
    return 0
