"""`daybook restore finish`: what may come only once the restored rows are sound, and the mapping for the import."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cli.errors import UsageError
from cli.output import Outcome
from cli.restore import copies, settings
from cli.restore.clients import Clients, answered
from cli.restore.copies import Copy
from cli.restore.names import Tables, deployed_tables, restored_tables
from cli.restore.planning import Line, mapping_file, print_lines, taking_over
from cli.restore.running import Restored, copies_of, require_same_key
from cli.restore.steps import Request
from cli.restore.writes import require_writes_off
from stacks.generations import generation_id


class Finish(msgspec.Struct, frozen=True, tag_field="step", tag="finish"):
    """All restored tables with all their settings, and the file for `cdk import --resource-mapping`."""

    environment: str
    generation: int
    restored_to: str
    tables: list[Restored]
    mapping_file: str
    lines: list[Line]


def finish(request: Request) -> Outcome:
    """Switch on streams and the append-only policy, check every setting once more, and write the mapping.

    Raises StillWritingError while commands are taken, UsageError before `run`, OtherTableError, UnavailableError.
    """
    deployed = deployed_tables(request.place)
    clients = request.connections.restoring(request.place)
    with answered():
        require_writes_off(clients, request.place)
        tables = [_finished(clients, request, each) for each in copies_of(clients, request, deployed)]
    restored = restored_tables(deployed)
    path = mapping_file(request.place.environment, restored.generation)
    Path(path).write_bytes(msgspec.json.format(msgspec.json.encode(mapping(restored))) + b"\n")
    lines = taking_over(request, restored.generation)
    for each in tables:
        request.output.line(f"{each.restored_name}  {', '.join(each.settings)}")
    request.output.line(f"\n{path} says which table is which resource of the import.")
    print_lines(lines, request)
    return Outcome(Finish(request.place.environment, restored.generation, request.time, tables, path, lines))


def mapping(restored: Tables) -> dict[str, dict[str, str]]:
    """For each logical id of the next generation in the ledger stack, what identifies its table to CloudFormation."""
    return {generation_id(each, restored.generation): {"TableName": name} for each, name in restored.by_id().items()}


def _finished(clients: Clients, request: Request, copy: Copy) -> Restored:
    described = copies.find(clients, copy)
    if not copies.is_ready(described):
        raise UsageError(f"{copy.name} is not there yet. First: {request.command('run')}")
    copies.require_same_second(clients, copy, described or {}, request.at)
    wanted = [*settings.before_mending(clients, copy, request.time), *settings.after_mending(clients, copy)]
    names = [settings.put_back(each, copy) for each in wanted]
    require_same_key(clients, copy)
    return Restored(copy.source, copy.name, [*names, "encryption by the ledger's key"])
