"""The worked example in SQL on the lake: the same events, published, stored as Parquet, queried."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console

from analytics import catalog
from cli.environments.lake import Target
from cli.errors import CommandError
from cli.sql.output import cost, value_text
from cli.sql.session import Result, Session
from local.example.account import Entry
from local.example.tables import print_lines, print_table, print_title, print_upright
from local.machine.environment import Environment
from local.machine.errors import ExampleFailedError
from local.machine.progress import Progress

Ask = Callable[[str], Result]

ARRIVED = "SELECT count(*) AS events FROM domain_events WHERE subject = '{account_id}'"
BALANCES = "SELECT * FROM account_balances ORDER BY updated_at DESC LIMIT 5"
_PATIENCE_SECONDS = 90.0
_POLL_SECONDS = 0.25


def session(environment: Environment) -> Ask:
    """Statements on the environment's Athena. Raises ExampleFailedError."""
    target = Target(
        athena_workgroup=environment.athena_workgroup,
        glue_database=environment.glue_database,
        region=environment.region,
        athena_endpoint_url=environment.athena_endpoint_url,
    )
    try:
        run = Session(target).run
    except CommandError as error:
        raise ExampleFailedError(str(error)) from error

    def ask(statement: str) -> Result:
        try:
            return run(statement)
        except CommandError as error:
            raise ExampleFailedError(f"The history could not be queried. {error}", detail=statement) from error

    return ask


def wait_for(ask: Ask, account_id: str, events: int, *, patience: float = _PATIENCE_SECONDS) -> None:
    """Wait until so many events of an account are in the lake. Raises ExampleFailedError."""
    deadline = time.monotonic() + patience
    while True:
        ((arrived,),) = ask(ARRIVED.format(account_id=account_id)).rows
        if arrived == events:
            return
        if arrived > events or time.monotonic() > deadline:
            raise ExampleFailedError(
                f"{arrived} of the account's {events} events are in the lake after {patience:.0f} seconds. "
                "`make logs` shows what the publisher wrote."
            )
        time.sleep(_POLL_SECONDS)


def show(ask: Ask, account_id: str, entries: list[Entry], progress: Progress, console: Console) -> None:
    """Wait for the events; print the account's statement, balances and the daily report. Raises ExampleFailedError."""
    console.print()
    with progress.step("Waiting until the events have reached the lake"):
        wait_for(ask, account_id, len(entries))
    print_title(console, "The same events in SQL")
    print_lines(
        console,
        "Each event went from the table to a stream, and on into a Parquet file.",
        "`make sql` runs your own queries on them.",
    )
    statement = ask(catalog.query("account_statement").fill({"account_id": account_id}))
    _check_statement(statement, entries)
    shown = ("version", "event", "recorded_at", "amount", "balance")
    _print(statement, "Statement: analytics/queries/account_statement.sql", console, columns=shown)
    balances = ask(BALANCES)
    _check_balance(balances, account_id, entries[-1])
    shown = ("account_id", "status", "currency", "balance", "version")
    _print(balances, "Balances of the five accounts moved last: the view account_balances", console, columns=shown)
    day = entries[-1].recorded_at[:10]
    report = ask(catalog.query("daily_report").fill({"day": day}))
    if not report.rows:
        raise ExampleFailedError(f"The daily report of {day} is empty.")
    _print_upright(report, "Daily report: analytics/queries/daily_report.sql", console)


def _check_statement(statement: Result, entries: list[Entry]) -> None:
    found = [(row["version"], row["amount"], row["balance"]) for row in _records(statement)]
    if found != [(entry.version, entry.amount, entry.balance) for entry in entries]:
        raise ExampleFailedError("The statement in SQL is not the history that the API answers.", detail=str(found))


def _check_balance(balances: Result, account_id: str, last: Entry) -> None:
    known = {row["account_id"]: (row["balance"], row["version"]) for row in _records(balances)}
    if known.get(account_id) not in (None, (last.balance, last.version)):
        raise ExampleFailedError(
            f"The balance in SQL is {known[account_id][0]}, and the API's is {last.balance}.", detail=str(known)
        )


def _records(result: Result) -> list[dict[str, Any]]:
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def _print(result: Result, title: str, console: Console, *, columns: tuple[str, ...]) -> None:
    """Some columns of a result."""
    records = _records(result)
    numbers = {name for name in columns if any(isinstance(record[name], int) for record in records)}
    print_title(console, title)
    print_table(console, columns, [[value_text(record[name]) for name in columns] for record in records], right=numbers)
    print_lines(console, cost(result))


def _print_upright(result: Result, title: str, console: Console) -> None:
    """A line for each column, a column for each row: for wide results of few rows."""
    print_title(console, title)
    columns = zip(result.columns, *result.rows, strict=True)
    print_upright(console, [[name, *map(value_text, values)] for name, *values in columns], right=True)
    print_lines(console, cost(result))
