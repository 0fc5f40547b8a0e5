"""`daybook restore run`: restores all tables to the second, under new names, and puts their settings back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cli.errors import CommandError
from cli.output import Outcome
from cli.progress import Steps
from cli.restore import copies, settings
from cli.restore.clients import Clients, answered
from cli.restore.copies import Copy
from cli.restore.declared import declared_tables
from cli.restore.names import Tables, deployed_tables, restored_tables
from cli.restore.planning import Line, planned_tables, preparing, print_lines
from cli.restore.steps import Request
from cli.restore.waiting import RESTORE_SECONDS, wait_until
from cli.restore.writes import require_writes_off


class Restored(msgspec.Struct, frozen=True):
    """A restored table, and the settings that are on it and were read back."""

    name: str
    restored_name: str
    settings: list[str]


class Run(msgspec.Struct, frozen=True, tag_field="step", tag="run"):
    """All restored tables. They are of the generation that becomes the ledger."""

    environment: str
    generation: int
    restored_to: str
    tables: list[Restored]
    lines: list[Line]


def run(request: Request) -> Outcome:
    """Restore all tables, and wait for them. Killed anywhere, it goes on when it is repeated.

    Raises StillWritingError while commands are taken, OtherTableError, UnavailableError.
    """
    deployed = deployed_tables(request.place)
    clients = request.connections.restoring(request.place)
    with answered():
        require_writes_off(clients, request.place)
        found = copies_of(clients, request, deployed)
        _start(clients, request, deployed, found)
        _wait(clients, found)
        tables = [_put_back(clients, request, each) for each in found]
    lines = preparing(request)[2:]
    done = Run(request.place.environment, restored_tables(deployed).generation, request.time, tables, lines)
    for each in tables:
        request.output.line(f"{each.restored_name}  restored to {request.time}; {', '.join(each.settings)}")
    print_lines(lines, request)
    return Outcome(done)


def copies_of(clients: Clients, request: Request, deployed: Tables) -> list[Copy]:
    """The copies of the deployed tables, the events' first. Raises ClientError, BotoCoreError, PlaceError."""
    names = restored_tables(deployed).by_id()
    declared = declared_tables(clients, request.place, deployed)
    return [Copy(name, names[each], declared[each]) for each, name in deployed.by_id().items()]


def _start(clients: Clients, request: Request, deployed: Tables, found: list[Copy]) -> None:
    """Nothing is begun unless all of it can be."""
    missing = []
    for each in found:
        described = copies.find(clients, each)
        if described is None:
            missing.append(each)
        else:
            copies.require_same_second(clients, each, described, request.at)
    outside = (
        [each.name for each in planned_tables(clients, request, deployed) if not each.restorable] if missing else []
    )
    if outside:
        raise CommandError(
            f"The time is outside the recovery window of {', '.join(outside)}; `plan` shows the windows."
        )
    for each in missing:
        copies.start(clients, each, request.at)


def _wait(clients: Clients, found: list[Copy]) -> None:
    with Steps("Restoring tables", len(found)) as steps:
        for each in found:

            def ready(copy: Copy = each) -> bool:
                return copies.is_ready(copies.find(clients, copy))

            wait_until(ready, f"{each.name} is not restored yet", RESTORE_SECONDS)
            steps.advance()


def _put_back(clients: Clients, request: Request, copy: Copy) -> Restored:
    names = [settings.put_back(each, copy) for each in settings.before_mending(clients, copy, request.time)]
    require_same_key(clients, copy)
    return Restored(copy.source, copy.name, [*names, "encryption by the ledger's key"])


def require_same_key(clients: Clients, copy: Copy) -> None:
    """Raises CommandError if the copy is encrypted by another key than its source. A key cannot be put back.

    A source that was deleted had the key that its template declares. Raises ClientError, BotoCoreError.
    """
    key = _key_id(copies.find(clients, copy))
    source = copies.describe(clients, copy.source)
    own = copy.declared.key if source is None else _key_id(source)
    if key != own:
        raise CommandError(f"{copy.name} is encrypted by the key {key}, and {copy.source} by {own}.")


def _key_id(described: Mapping[str, Any] | None) -> str | None:
    arn = ((described or {}).get("SSEDescription") or {}).get("KMSMasterKeyArn")
    return None if arn is None else str(arn).rpartition("/")[2]
