"""Prints the example of `make run` while it runs."""

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from local.example import account as example
from local.example import history, ledger, proof, read_models, submission
from local.example.client import Answer, Client
from local.example.ledger import Read, Row
from local.example.submission import Followed
from local.example.tables import print_lines, print_table, print_title, print_upright
from local.machine.environment import Environment
from local.machine.progress import Progress


def show_example(environment: Environment, files: Path, progress: Progress, console: Console) -> None:
    """Run the worked example on a running system and print it; then asynchronous commands, read models, SQL, a proof.

    What it writes goes to the folder `files`. Raises ExampleFailedError.
    """
    client = Client(environment)
    try:
        with progress.step("Opening an account, with 20 credits and withdrawals"):
            account_id = example.open_and_fill(client)
        story = example.tell_story(client, account_id)
        balance = example.read_balance(client, account_id)
        earlier = example.read_earlier(client, account_id)
        refusal = example.be_refused(client, account_id)
        read = example.rebuild(environment, account_id)
        entries = example.read_history(client, account_id)
        rows = ledger.read_newest(environment, account_id, limit=len(entries)).rows
        with progress.step("Submitting three asynchronous commands, and following them"):
            submitted_to, followed = submission.submit_and_follow(client)
        show_story(account_id, story, balance, console)
        show_history(entries, rows, console)
        show_earlier(earlier, console)
        show_refusal(refusal, console)
        show_read(read, balance, console)
        show_followed(submitted_to, followed, console)
        reached = submission.COMMANDS[1][1]["version"]
        read_models.show_list(client, {account_id: example.LAST_VERSION, submitted_to: reached}, progress, console)
        place = read_models.place_of(environment)
        read_models.show_rebuild(client, place, submitted_to, reached, progress, console)
    finally:
        client.close()
    history.show(history.session(environment), account_id, entries, progress, console)
    proof.show(place, account_id, example.LAST_VERSION, files, progress, console)


def show_story(account_id: str, story: list[Answer], balance: Answer, console: Console) -> None:
    """Print an account's last versions and its balance. Amounts are cents."""
    print_title(console, "The worked example (amounts in cents)")
    now, version = balance.body["balance"], balance.body["version"]
    lines = [
        f"account {account_id}",
        f"version {example.SNAPSHOT_VERSION}: balance {example.BALANCE_BEFORE}, kept by a snapshot on its row",
        *(
            f"version {answer.body['version']}: {amount:+d}, balance {answer.body['balance']}"
            for amount, answer in zip(example.STORY, story, strict=True)
        ),
        f"GET /accounts/{{id}} answers balance {now} at version {version}, ETag {balance.headers['etag']}",
    ]
    print_lines(console, *lines)


def show_history(history: list[example.Entry], rows: list[Row], console: Console) -> None:
    """Print the events without those in the middle."""
    print_title(console, "Its events, from GET /accounts/{id}/events")
    carriers = {row.version for row in rows if row.snapshot is not None}
    columns = ("version", "type", "amount", "balance", "recorded_at", "snapshot")
    cells = [
        [
            str(entry.version),
            entry.type,
            f"{entry.amount:+d}" if entry.amount else "",
            str(entry.balance),
            entry.recorded_at,
            "yes" if entry.version in carriers else "",
        ]
        for entry in history
    ]
    print_table(console, columns, cells, right={"version", "amount", "balance"}, gap=1)


def show_earlier(earlier: Answer, console: Console) -> None:
    """Print the account as it was at an earlier version."""
    version = earlier.body["version"]
    print_title(console, f"The account as it was, from GET /accounts/{{id}}?version={version}")
    print_lines(console, f"balance {earlier.body['balance']} at version {version}, and this answer stays for ever")


def show_refusal(refusal: Answer, console: Console) -> None:
    """Print the API's answer to a command that breaks a rule."""
    print_title(console, "A refusal")
    print_lines(
        console,
        f'POST /accounts/{{id}}/withdraw with {{"amount": {example.TOO_MUCH}}} answers {refusal.status}; no event is',
        f"appended. The body is {refusal.headers.get('content-type', '')}:",
    )
    print_upright(console, [[name, str(value)] for name, value in refusal.body.items()])
    print_lines(console, "What the functions logged of this request, by its correlation id:")
    print_lines(console, f"  make logs CORRELATION_ID={refusal.headers.get('x-correlation-id', '')}")


def show_read(read: Read, balance: Answer, console: Console) -> None:
    """Print the query that reads the balance."""
    snapshot = read.snapshot
    assert snapshot is not None and snapshot.snapshot is not None  # noqa: S101, PT018 - checked by the example
    print_title(console, "How the balance is read, straight from the event table")
    tail = [f"{row.version} {row.type} {row.data['amount']}" for row in read.tail]
    print_upright(
        console,
        [
            ["request", f"1 Query, strongly consistent, newest first, Limit {example.SNAPSHOT_INTERVAL}"],
            ["rows read", f"{len(read.rows)} (versions {read.rows[0].version} to {read.rows[-1].version})"],
            ["snapshot", f"on version {snapshot.version}, balance {snapshot.snapshot['balance']}"],
            *([name, event] for name, event in zip(["events after it", *[""] * len(tail)], tail, strict=False)),
            ["rebuilt balance", f"{example.BALANCE_AFTER}; the API answered {balance.body['balance']}"],
            ["capacity", f"{read.bytes} bytes read: {read.read_units} RCU by AWS's rules (4 KB each)"],
            ["", f"the emulator always says {read.reported_units:g}"],
        ],
    )


def show_followed(account_id: str, followed: list[Followed], console: Console) -> None:
    """Print asynchronous commands with each answer until their end."""
    print_title(console, "Asynchronous commands")
    print_lines(
        console,
        f"account {account_id}",
        "POST /accounts/{id}/commands is answered by API Gateway and DynamoDB alone;",
        "then GET on Location is repeated until the command has ended.",
    )
    for each in followed:
        accepted, *found = each.answers
        place = each.location.rpartition("/")[2]
        print_lines(
            console,
            "",
            json.dumps(each.command),
            f"  202  {_status_line(accepted)}  Location: commands/{place}",
            *(f"  200  {_status_line(answer)}" for answer in found),
        )


def _status_line(answer: dict[str, Any]) -> str:
    status = str(answer["status"])
    if "problem" in answer:
        return f"{status}  {answer['problem']['title']}"
    if "version" in answer:
        return f"{status}  version {answer['version']}, balance {answer['balance']}"
    return status
