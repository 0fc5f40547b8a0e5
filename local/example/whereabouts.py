"""Prints where the parts of a running system are and how to call them, for `make run` and `make status`."""

from rich.console import Console
from rich.markup import escape

from local.machine.environment import Environment
from local.machine.layout import REPOSITORY, Layout
from local.system import System


def show_whereabouts(layout: Layout, system: System, console: Console) -> None:
    """Print the addresses, calls to paste, and how to stop the system. Only calls to paste are longer than a line."""
    environment = system.environment
    lines = [
        "",
        "[bold]It is running.[/bold]",
        f"  API           {environment.api_url}",
        f"  AWS endpoint  {environment.aws_endpoint_url} (region {environment.region}, any credentials)",
        f"  Athena        {environment.athena_endpoint_url} (workgroup {environment.athena_workgroup})",
        f"  event table   {environment.event_table}",
        f"  commands      {environment.commands_table}",
        f"  Kinesis       {environment.domain_event_stream}",
        f"  lake          s3://{environment.lake_bucket}/events/",
        f"  for programs  {layout.environment_file}",
        f"  logs          {layout.logs}; what the functions wrote: `make logs`",
        "",
        "[bold]Try it:[/bold]",
        *(escape(line) for line in curl_sequence(environment)),
        "",
        "`make sql` queries the history in SQL, and",
        "make sql Q='SELECT * FROM account_balances' runs one statement.",
        "`make logs CORRELATION_ID=...` shows the log lines of one request.",
        "`make stop` stops it and deletes its data; `make run` again takes seconds.",
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
