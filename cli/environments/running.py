"""Reads the file in which `make run` describes the local system. Each command reads only the fields that it needs."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from cli.errors import PlaceError

T = TypeVar("T")


def read_running(path: Path, kind: type[T], *, wanted: str = "", endpoint: str | None = None) -> T:
    """The file's content as a `kind`; `wanted` is added to the sentence of the error. Raises PlaceError.

    `endpoint` names an attribute that must be set: without it a client would go to AWS with the user's credentials.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise PlaceError(
            f"Cannot read {path} ({error.strerror}): is the system running? `make run` starts it, or give --env."
        ) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PlaceError(f"{path} does not describe a running system{wanted}: {error}.") from error
    if endpoint is not None and getattr(found, endpoint) is None:
        raise PlaceError(f"{path} does not describe a running system{wanted}: it has no {endpoint}.")
    return found
