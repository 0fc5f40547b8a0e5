"""Turns what the ports of a read model raise into a command's errors, with what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from cli.environments.place import Place
from cli.errors import CommandError, UnavailableError, plain
from cli.projections.request import command
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.projections.errors import (
    ControlChangedError,
    ProjectionError,
    ReadModelUnavailableError,
    RebuildRunningError,
)


@contextmanager
def answered(place: Place) -> Iterator[None]:
    """Raises UnavailableError for what did not answer, and CommandError for what is not possible now."""
    try:
        yield
    except (ReadModelUnavailableError, ReadUnavailableError, ClientError, BotoCoreError) as error:
        raise UnavailableError(f"{plain(error)}. Repeating the command is safe.") from error
    except RebuildRunningError as error:
        shown = command(place, "status --follow")
        raise CommandError(f"{plain(error)}: `{shown}` shows how far it is.") from error
    except ControlChangedError as error:
        shown = command(place, "list")
        raise CommandError(f"Somebody else has changed the generations meanwhile: `{shown}` shows them.") from error
    except ProjectionError as error:
        raise CommandError(str(error)) from error
