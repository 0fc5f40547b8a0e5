"""The port of the emulator: the requested one, else any free one."""

import os
import socket
from collections.abc import Mapping

from local.machine.errors import InvalidPortError, PortInUseError

HOST = "127.0.0.1"
PORT_VARIABLE = "DAYBOOK_LOCAL_PORT"
_HIGHEST = 65535


def requested_port(environ: Mapping[str, str] = os.environ) -> int | None:
    """The port in DAYBOOK_LOCAL_PORT, if any. Raises InvalidPortError."""
    text = environ.get(PORT_VARIABLE, "").strip()
    if not text:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= _HIGHEST:
        raise InvalidPortError(f"{PORT_VARIABLE} is a number from 1 to {_HIGHEST}, not {text!r}.")
    return int(text)


def choose_port(requested: int | None) -> int:
    """The requested port, or a free one if none is requested. Raises PortInUseError."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, requested or 0))
        except PermissionError:
            raise PortInUseError(
                f"Port {requested} needs more rights than you have. Set {PORT_VARIABLE} to one above 1023."
            ) from None
        except OSError:
            raise PortInUseError(
                f"Port {requested} is in use by another program. "
                f"Set {PORT_VARIABLE} to another one, or leave it unset for any free one."
            ) from None
        port: int = probe.getsockname()[1]
        return port
