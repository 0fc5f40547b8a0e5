"""`daybook verify`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

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
    exactly_one,
    goes_with,
    whole_number,
)
from cli.output import Outcome, Output

DEFAULT_SEGMENTS: Final = 8
PENDING_HOURS: Final = 24
SETTLE_MINUTES: Final = 60
MOST_MINUTES: Final = 366 * 24 * 60

AccountIds = Annotated[list[str] | None, typer.Argument(metavar="ACCOUNT_ID", parser=account_id, help="UUIDs.")]
All = Annotated[
    bool,
    typer.Option("--all", help="Verify everything: tables, read models, lake and log against each other."),
]
Segments = Annotated[
    int | None,
    typer.Option(
        "--segments",
        parser=whole_number(1, 256, "a number from 1 to 256"),
        metavar="NUMBER",
        help=f"--all: read tables in so many parts at once; by default {DEFAULT_SEGMENTS}.",
    ),
]
PendingHours = Annotated[
    int | None,
    typer.Option(
        "--pending-hours",
        parser=whole_number(1, None, "a whole number of hours"),
        metavar="HOURS",
        help=f"--all: a stored command may be PENDING for so long; by default {PENDING_HOURS}.",
    ),
]
Settle = Annotated[
    int | None,
    typer.Option(
        "--settle",
        parser=whole_number(0, MOST_MINUTES, f"a whole number up to {MOST_MINUTES}"),
        metavar="MINUTES",
        help=f"--all: events of the last minutes may still be on their way to the lake; by default {SETTLE_MINUTES}.",
    ),
]
EventTable = Annotated[
    str | None,
    typer.Option("--event-table", metavar="NAME", help="An event table in AWS, of any environment."),
]


def verify(
    context: typer.Context,
    account_ids: AccountIds = None,
    everything: All = False,
    event_table: EventTable = None,
    segments: Segments = None,
    pending_hours: PendingHours = None,
    settle: Settle = None,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Check the hash chains of accounts' histories, or with --all everything against everything.

    Of an account, versions, hashes, times and snapshots of all events are checked, from the first one on. That finds
    changes by whoever did not recompute the rest of the chain. --all does so with every account. It looks up what
    receipts and ended commands point at, folds the read models anew, compares the lake column by column, and recomputes
    the transparency log: that finds the others, too. It only reads, while everything goes on.
    """
    exactly_one(ACCOUNT_ID=account_ids or None, all=everything)
    goes_with("--all", is_given=everything, segments=segments, pending_hours=pending_hours)
    goes_with("--all", is_given=everything, settle=None if settle is None else str(settle))
    goes_with("ACCOUNT_ID", is_given=not everything, event_table=event_table)
    other = environment_file if environment_file != ENVIRONMENT_FILE else None
    at_most_one(event_table=event_table, environment_file=other)
    at_most_one(event_table=event_table, env=env if env != LOCAL else None)
    goes_with("--env or --event-table", is_given=env != LOCAL or event_table is not None, region=region)
    where, connections, output = (
        Where(env, region, environment_file), connections_of(context), Output("verify", json=as_json),
    )  # fmt: skip
    if not everything:
        from cli.environments.place import ledger_of
        from cli.verify.verification import outcome, verify_all

        store = connections.event_store(ledger_of(where, event_table))
        return outcome(verify_all(store, account_ids or [], output))
    from cli.environments.place import place_of
    from cli.verify.everything import Options, verify_everything

    options = Options(
        segments or DEFAULT_SEGMENTS,
        timedelta(minutes=SETTLE_MINUTES if settle is None else settle),
        timedelta(hours=pending_hours or PENDING_HOURS),
    )
    return verify_everything(place_of(where), options, connections, output)
