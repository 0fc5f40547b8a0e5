"""`daybook prove`."""

from __future__ import annotations

from pathlib import Path
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
    exactly_one,
    whole_number,
)
from cli.output import Outcome, Output

AccountId = Annotated[str, typer.Argument(metavar="ACCOUNT_ID", parser=account_id, help="A UUID.")]
Version = Annotated[
    int | None,
    typer.Argument(
        metavar="VERSION", parser=whole_number(1, None, "a version: 1, 2, 3 …"), help="The event's version."
    ),
]
Bundle = Annotated[
    bool,
    typer.Option("--bundle", help="Write the event's whole row with the proof: it names who did it, and the balance."),
]
History = Annotated[
    bool,
    typer.Option("--history", help="Write all rows of the account up to its newest one in the log, and one proof."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Where to write.",
        show_default="ACCOUNT_ID-VERSION.tlog-proof, or .daybook-rows, here",
    ),
]


def prove(
    context: typer.Context,
    account: AccountId,
    version: Version = None,
    bundle: Bundle = False,
    history: History = False,
    out: Out = None,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Write a proof that an event stands in the transparency log.

    tools/verify_proof.py checks the file anywhere, with Python alone; docs/proof.md says what it shows. Everything is
    verified before it is written: rows that are not those of the log are a finding, and so is a history that ends
    before the account's newest event in the log.
    """
    exactly_one(VERSION=version, history=history)
    at_most_one(bundle=bundle, history=history)
    from cli.environments.place import ledger_of, place_of
    from cli.prove.asked import Asked
    from cli.prove.proving import prove_event, prove_history, prove_row

    where, connections = Where(env, region, environment_file), connections_of(context)
    place, output = place_of(where), Output("prove", json=as_json)
    asked = Asked(place, account, out)
    log, store = connections.transparency_log(place), connections.event_store(ledger_of(where))
    if version is None:
        return prove_history(log, store, asked, output)
    return (prove_row if bundle else prove_event)(log, store, asked, version, output)
