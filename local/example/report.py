"""What `make run` shows: the example as it happens, and where everything is."""

import json
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local.example import account as example
from local.example import history, ledger, submission
from local.example.client import Answer, Client
from local.example.ledger import Read, Row
from local.example.submission import Followed
from local.machine.environment import Environment
from local.machine.layout import REPOSITORY, Layout
from local.machine.progress import Progress
from local.system import System


def show_example(environment: Environment, progress: Progress, console: Console) -> None:
    """Play the worked example against a running system and print it, then asynchronous commands, then ask SQL.

    Raises ExampleFailedError.
    """
    client = Client(environment)
    try:
        with progress.step("Opening an account, then 20 credits and withdrawals over HTTP"):
            account_id = example.open_and_fill(client)
        story = example.tell_story(client, account_id)
        balance = example.read_balance(client, account_id)
        read = example.rebuild(environment, account_id)
        entries = example.read_history(client, account_id)
        rows = ledger.read_newest(environment, account_id, limit=len(entries)).rows
        with progress.step("Submitting three commands to API Gateway and DynamoDB, and following them"):
            submitted_to, followed = submission.submit_and_follow(client)
    finally:
        client.close()
    console.print(f"\n[bold]The worked example[/bold], account {account_id} (amounts in cents)", soft_wrap=True)
    _show_story(story, balance, console)
    _show_read(read, balance, console)
    _show_history(entries, rows, console)
    _show_followed(submitted_to, followed, console)
    history.show(history.session(environment), account_id, entries, progress, console)


def _show_story(story: list[Answer], balance: Answer, console: Console) -> None:
    console.print(
        f"  version {example.SNAPSHOT_VERSION}: balance {example.BALANCE_BEFORE}, kept by a snapshot on its row"
    )
    for amount, answer in zip(example.STORY, story, strict=True):
        console.print(f"  version {answer.body['version']}: {amount:+d}, balance {answer.body['balance']}")
    console.print(
        f"  GET /accounts/{{id}} answers balance [bold]{balance.body['balance']}[/bold] "
        f"at version {balance.body['version']}, ETag {escape(balance.headers['etag'])}"
    )


def _show_read(read: Read, balance: Answer, console: Console) -> None:
    snapshot = read.snapshot
    assert snapshot is not None and snapshot.snapshot is not None  # noqa: S101, PT018 - checked by the example
    title = "The same read, straight from the event table"
    table = Table(title=title, title_justify="left", show_header=False, box=SIMPLE, pad_edge=False)
    table.add_row("request", f"1 Query, strongly consistent, newest first, Limit {example.SNAPSHOT_INTERVAL}")
    table.add_row("rows read", f"{len(read.rows)} (versions {read.rows[0].version} to {read.rows[-1].version})")
    table.add_row("snapshot", f"on version {snapshot.version}, balance {snapshot.snapshot['balance']}")
    table.add_row("events after it", "\n".join(f"{row.version} {row.type} {row.data['amount']}" for row in read.tail))
    table.add_row("rebuilt balance", f"{example.BALANCE_AFTER}; the API answered {balance.body['balance']}")
    table.add_row("capacity", f"{read.bytes} bytes read: {read.read_units} RCU by AWS's rules (4 KB each)")
    table.add_row("", f"the emulator says {read.reported_units:g}, whatever is read")
    console.print()
    console.print(table)


def _show_history(history: list[example.Entry], rows: list[Row], console: Console) -> None:
    title = "History, from GET /accounts/{id}/events"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    for name in ("version", "type", "amount", "balance", "recorded_at", "snapshot"):
        table.add_column(name, justify="right" if name in {"version", "amount", "balance"} else "left", no_wrap=True)
    carriers = {row.version for row in rows if row.snapshot is not None}
    for entry in history:
        mark = "yes" if entry.version in carriers else ""
        amount = f"{entry.amount:+d}" if entry.amount else ""
        table.add_row(str(entry.version), entry.type, amount, str(entry.balance), entry.recorded_at, mark)
    console.print(table)


def _show_followed(account_id: str, followed: list[Followed], console: Console) -> None:
    console.print(f"\n[bold]Asynchronous commands[/bold], account {account_id}", soft_wrap=True)
    console.print(
        "  POST /accounts/{id}/commands is answered by API Gateway and DynamoDB alone; then Location is polled."
    )
    for each in followed:
        console.print(f"\n  {escape(json.dumps(each.command))}", highlight=False, soft_wrap=True)
        accepted, *found = each.answers
        place = each.location.rpartition("/")[2]
        console.print(f"    202  {_status_line(accepted)}  Location: commands/{place}", highlight=False, soft_wrap=True)
        for answer in found:
            console.print(f"    200  {_status_line(answer)}", highlight=False, soft_wrap=True)


def _status_line(answer: dict[str, Any]) -> str:
    status = f"[bold]{answer['status']}[/bold]"
    if "problem" in answer:
        return f"{status}  {escape(answer['problem']['title'])}"
    if "version" in answer:
        return f"{status}  version {answer['version']}, balance {answer['balance']}"
    return status


def show_whereabouts(layout: Layout, system: System, console: Console) -> None:
    """Say where things are, how to call them, and how to stop them."""
    environment = system.environment
    lines = [
        "",
        "[bold]It is running.[/bold]",
        f"  API             {environment.api_url}",
        f"  AWS endpoint    {environment.aws_endpoint_url} (region {environment.region}, any credentials)",
        f"  event table     {environment.event_table}",
        f"  commands table  {environment.commands_table}",
        f"  domain events   {environment.domain_event_stream} (Kinesis)",
        f"  lake            s3://{environment.lake_bucket}/events/ (Parquet)",
        f"  Athena          {environment.athena_endpoint_url} (workgroup {environment.athena_workgroup})",
        f"  for programs    {layout.environment_file}",
        f"  logs            {layout.logs}; what the functions wrote: `make logs`",
        "",
        "[bold]Try it:[/bold]",
        *(escape(line) for line in curl_sequence(environment)),
        "",
        "`make sql` asks the history in SQL; make sql Q='SELECT * FROM account_balances' runs one statement.",
        "`make stop` stops it and forgets its data; `make run` again takes seconds.",
    ]
    for line in lines:
        console.print(line.replace(f"{REPOSITORY}/", ""), soft_wrap=True, highlight=False)


def curl_sequence(environment: Environment) -> list[str]:
    """Shell commands to paste: open an account, move money, read the balance and the history; submit, and follow."""
    json_header = "-H 'content-type: application/json'"
    others = "".join(f" -H '{name}: {value}'" for name, value in environment.headers.items())
    post = f"curl -s {json_header}{others} -d"
    submit = f"""{post} '{{"type":"CreditAccount","amount":5}}' -o /dev/null -D -"""
    return [
        f"API='{environment.api_url}'",
        f"""ID=$({post} '{{"currency":"EUR"}}' "$API/accounts" | sed 's/.*"account_id": *"\\([^"]*\\)".*/\\1/')""",
        f"""{post} '{{"amount":100}}' "$API/accounts/$ID/credit"; echo""",
        f"""{post} '{{"amount":30,"reference":"rent"}}' "$API/accounts/$ID/withdraw"; echo""",
        f"""curl -s{others} "$API/accounts/$ID"; echo""",
        f"""curl -s{others} "$API/accounts/$ID?version=2"; echo""",
        f"""curl -s{others} "$API/accounts/$ID/events?limit=10"; echo""",
        f"""AT=$({submit} "$API/accounts/$ID/commands" | sed -n 's/^[Ll]ocation: //p' | tr -d '\\r')""",
        f"""curl -s{others} "$API/accounts/$ID/$AT"; echo""",
    ]
