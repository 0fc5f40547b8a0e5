"""`daybook restore plan`: what a restore would do, and every line to type. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from botocore.exceptions import ClientError

from cli.errors import ExitStatus
from cli.output import Outcome
from cli.restore.clients import Clients, answered, code
from cli.restore.declared import Declared, declared_tables
from cli.restore.names import Tables, deployed_tables, restored_tables
from cli.restore.steps import Request, second
from stacks.environment import ENVIRONMENTS

CONSUMERS: Final = (
    "API, commands, publisher, read models, backups, verification, auditors: `cdk deploy` gives them restored tables",
    "whoever reads domain events: `announce` sends each account concerned daybook.ledger.Restored.v1",
    "the read models: they take these, too; one with totals stops each account concerned, rebuild it and switch",
    "the transparency log: the next seal says what was revoked, and goes on after it",
    "whoever fills gaps from the event table (EventTableReadPolicyArn): read the output EventTableName anew",
    "whoever subscribes to the event table's own stream: the output EventTableStreamArn names another one",
)


class PlannedTable(msgspec.Struct, frozen=True, kw_only=True):
    """A table, the name that its restored copy gets, and what is put back on it.

    `earliest` and `latest` are the seconds between which it can be restored; null where nothing tells.
    """

    table: str
    name: str
    restored_name: str
    earliest: str | None
    latest: str | None
    restorable: bool
    settings: list[str]


class Line(msgspec.Struct, frozen=True):
    """A line to type, and what it does. Where `command` is empty, something is done by hand."""

    does: str
    command: str


class Plan(msgspec.Struct, frozen=True, tag_field="step", tag="plan"):
    """All of a restore, before anything is done."""

    environment: str
    generation: int
    restored_to: str
    tables: list[PlannedTable]
    consumers: list[str]
    lines: list[Line]


def plan(request: Request) -> Outcome:
    """Print the plan. The exit status is 1 if a table cannot be restored to that second."""
    deployed = deployed_tables(request.place)
    clients = request.connections.restoring(request.place)
    with answered():
        tables = planned_tables(clients, request, deployed)
    next_generation = restored_tables(deployed).generation
    lines = [*preparing(request), *taking_over(request, next_generation)]
    found = Plan(request.place.environment, next_generation, request.time, tables, list(CONSUMERS), lines)
    _print(found, request)
    return outcome_of(found, tables)


def planned_tables(clients: Clients, request: Request, deployed: Tables) -> list[PlannedTable]:
    """What happens to each table. Raises ClientError, BotoCoreError, PlaceError."""
    names = restored_tables(deployed).by_id()
    declared = declared_tables(clients, request.place, deployed)
    return [
        _planned(clients, request, each, name, names[each], declared[each]) for each, name in deployed.by_id().items()
    ]


def _planned(
    clients: Clients, request: Request, table: str, name: str, restored_name: str, declared: Declared
) -> PlannedTable:
    recovery = _recovery(clients, name)
    earliest: datetime | None = recovery.get("EarliestRestorableDateTime")
    latest: datetime | None = recovery.get("LatestRestorableDateTime")
    inside = earliest is not None and latest is not None and earliest <= request.at <= latest
    told = ENVIRONMENTS[request.place.environment].recovery_windows
    return PlannedTable(
        table=table,
        name=name,
        restored_name=restored_name,
        earliest=second(earliest) if told and earliest is not None else None,
        latest=second(latest) if told and latest is not None else None,
        restorable=inside or not told,
        settings=declared.told(),
    )


def _recovery(clients: Clients, name: str) -> Mapping[str, Any]:
    """What DynamoDB tells of a table's recovery; nothing of a table that was deleted."""
    try:
        answer = clients.dynamodb.describe_continuous_backups(TableName=name)
    except ClientError as error:
        if code(error) == "TableNotFoundException":
            return {}
        raise
    found: Mapping[str, Any] = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    return found


def preparing(request: Request) -> list[Line]:
    """What is typed until the restored tables are sound."""
    environment = request.place.environment
    return [
        Line("take no more commands", f"cdk deploy '**' -c env={environment} -c writes=off"),
        Line("restore all tables under new names, and put their settings back", request.command("run")),
        Line("find what is not whole, and what was published and is gone", request.command("check")),
        Line(
            "if it says MEND: see what it would cut off, again with --yes, and check again",
            request.command("mend"),
        ),
        Line(
            "switch on the streams and the append-only policy, and write the import's mapping",
            request.command("finish"),
        ),
    ]


def taking_over(request: Request, generation: int) -> list[Line]:
    """What is typed once the restored tables are sound: they become the ledger, and everybody is told.

    Commands are taken up to a second later: DynamoDB does not say whether all of the second that it restores to is in.
    """
    environment = request.place.environment
    off = f"-c env={environment} -c writes=off"
    mapping = mapping_file(environment, generation)
    return [
        Line(f"set ledger_generation={generation} for {environment} in stacks/environment.py, and commit it", ""),
        Line(
            "hand the restored tables to the ledger stack",
            f"cdk import 'Daybook-{environment}/Ledger' {off} --force --resource-mapping {mapping}",
        ),
        Line("let everything use them, still without commands", f"cdk deploy '**' {off}"),
        Line("tell consumers what is revoked", request.command("announce")),
        Line(
            "carry out commands that were stored by then and had not ended, before newer ones come",
            request.elsewhere("redrive", f"--pending-before {second(request.at + timedelta(seconds=1))}"),
        ),
        Line("take commands again", f"cdk deploy '**' -c env={environment} -c rollout=at-once"),
        Line(
            "an hour later, find what stands and was never published; `daybook republish --ids` sends it",
            request.elsewhere("reconcile", f"--from {request.at.date().isoformat()}"),
        ),
    ]


def mapping_file(environment: str, generation: int) -> str:
    """The name of the file that tells `cdk import` which table is which resource."""
    return f"restore-{environment}-{generation}.json"


def outcome_of(data: object, tables: list[PlannedTable]) -> Outcome:
    """The exit status: 1 if a table cannot be restored to that second."""
    outside = [each.name for each in tables if not each.restorable]
    if not outside:
        return Outcome(data)
    sentence = f"The time is outside the recovery window of {', '.join(outside)}."
    return Outcome(data, ExitStatus.FINDING, sentence)


def _print(found: Plan, request: Request) -> None:
    line = request.output.line
    line(f"All tables go back to {found.restored_to}; they become generation {found.generation} of the ledger.")
    for each in found.tables:
        window = f"{each.earliest} to {each.latest}" if each.earliest and each.latest else "not told"
        line(f"\n{each.name}\n  becomes       {each.restored_name}")
        line(f"  recovery      {window}{'' if each.restorable else ': NOT TO THIS SECOND'}")
        line(f"  put back      {', '.join(each.settings)}")
    line("\nConcerned")
    for consumer in found.consumers:
        line(f"  {consumer}")
    print_lines(found.lines, request)


def print_lines(lines: list[Line], request: Request) -> None:
    """The lines to type, numbered."""
    request.output.line("\nTo do")
    for number, each in enumerate(lines, 1):
        request.output.line(f"  {number:2}. {each.does}")
        if each.command:
            request.output.line(f"      {each.command}")
