"""`daybook sql`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.connections import connections_of
from cli.options import (
    ENVIRONMENT_FILE,
    LOCAL,
    Database,
    Env,
    EnvironmentFile,
    Json,
    Region,
    Where,
    Workgroup,
    at_most_one,
    goes_with,
)
from cli.output import Outcome, Output


def _query_names(incomplete: str) -> list[str]:
    from analytics import catalog

    return [name for name in catalog.queries() if name.startswith(incomplete)]


Statement = Annotated[
    str | None,
    typer.Argument(metavar="STATEMENT", help="A SELECT; - reads it from standard input. Without one: a prompt."),
]
File = Annotated[Path | None, typer.Option("--file", metavar="PATH", help="A file with one statement.")]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="QUERY",
        help="A named query of analytics/queries; `queries` at the prompt lists them.",
        autocompletion=_query_names,
    ),
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A value for --name or --file; may be repeated."),
]
Csv = Annotated[bool, typer.Option("--csv", help="Rows as CSV; an apostrophe keeps text from being a formula.")]
Raw = Annotated[bool, typer.Option("--raw", help="With --csv: text as it is, not for spreadsheets.")]


def sql(
    context: typer.Context,
    statement: Statement = None,
    file: File = None,
    name: Name = None,
    parameters: Parameters = None,
    as_csv: Csv = False,
    raw: Raw = False,
    workgroup: Workgroup = None,
    database: Database = None,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome | None:
    """Query the lake in Athena's SQL.

    Runs one statement and shows its rows. Without a statement it opens a prompt.
    """
    at_most_one(STATEMENT=statement, file=file, name=name)
    at_most_one(csv=as_csv, json=as_json)
    if statement is not None and statement.startswith("-") and statement != "-" and len(statement.split()) == 1:
        context.fail(f"No such option: {statement}")
    goes_with("--csv", is_given=as_csv, raw=raw)
    goes_with("a statement", is_given=bool(statement or file or name), json=as_json)
    goes_with("--env, not with the local system", is_given=env != LOCAL, workgroup=workgroup, database=database)
    from cli.environments.place import lake_of
    from cli.sql.output import Form
    from cli.sql.prompt import prompt
    from cli.sql.statement import run, statement_of

    text = statement_of(statement, file, name, parameters or [])
    target = lake_of(Where(env, region, environment_file), workgroup=workgroup, database=database)
    ask = connections_of(context).sql(target)
    csv_form = Form.RAW_CSV if raw else Form.CSV
    form = csv_form if as_csv else Form.JSON if as_json else Form.TABLE
    if text is None:
        prompt(ask, form)
        return None
    return run(ask, text, form, Output("sql", json=as_json))
