"""`daybook verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.connections import connections_of
from cli.options import (
    ENVIRONMENT_FILE,
    LOCAL,
    Env,
    EnvironmentFile,
    Json,
    Region,
    Where,
    account_id,
    at_most_one,
    goes_with,
)
from cli.output import Outcome, Output

AccountIds = Annotated[list[str], typer.Argument(metavar="ACCOUNT_ID", parser=account_id, help="UUIDs.")]
EventTable = Annotated[
    str | None,
    typer.Option("--event-table", metavar="NAME", help="An event table in AWS, of any environment."),
]


def verify(
    context: typer.Context,
    account_ids: AccountIds,
    event_table: EventTable = None,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Check the hash chains of accounts' histories.

    Versions, hashes, times and snapshots of all events are checked, from the first one on. That finds changes by
    whoever did not recompute the rest of the chain; for others `reconcile` compares with what was published.
    """
    other = environment_file if environment_file != ENVIRONMENT_FILE else None
    at_most_one(event_table=event_table, environment_file=other)
    at_most_one(event_table=event_table, env=env if env != LOCAL else None)
    goes_with("--env or --event-table", is_given=env != LOCAL or event_table is not None, region=region)
    from cli.environments.place import ledger_of
    from cli.verify.verification import outcome, verify_all

    store = connections_of(context).event_store(ledger_of(Where(env, region, environment_file), event_table))
    return outcome(verify_all(store, account_ids, Output("verify", json=as_json)))
