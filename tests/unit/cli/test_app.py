"""`daybook`: one form for all commands, exit statuses, and what the help costs."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.app import app, main
from cli.aws import AWS
from cli.commands import COMMANDS, summary
from cli.environments.ledger import Ledger
from cli.errors import CommandError, PlaceError, QueryFailedError, UnavailableError, UsageError
from lambdas.eventsourcing.store import EventStore
from tests.support.envelopes import check
from tests.support.workloads import accounts

(A,) = accounts(1)
VERIFY = ["verify", "--event-table", "events", A]
HEAVY = {
    "aws_cdk",
    "boto3",
    "botocore",
    "duckdb",
    "lambdas.contracts",
    "msgspec",
    "pyathena",
    "pydantic",
    "rich.console",
}


class Failing(AWS):
    """Opens nothing."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def event_store(self, ledger: Ledger) -> EventStore:
        raise self.error


def commands() -> list[tuple[str, Any]]:
    group = typer.main.get_command(app)
    context = typer.Context(group, info_name="daybook")
    return [(name, group.get_command(context, name)) for name in group.list_commands(context)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_command_has_the_same_form(name: str, command: Any) -> None:
    options = {flag for each in command.params for flag in each.opts}
    assert {"--env", "--region", "--environment-file", "--json"} <= options
    assert command.short_help == summary(name)
    assert all(each.help for each in command.params)
    assert all(each.help.endswith(".") for each in command.params)


def test_a_folder_is_a_command() -> None:
    """What `cli/` holds besides is shared by them."""
    packages = {path.parent.name for path in Path("cli").glob("*/command.py")}
    assert packages == set(COMMANDS)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (CommandError("It failed."), 1),
        (QueryFailedError("It failed."), 1),
        (UsageError("It failed."), 2),
        (PlaceError("It failed."), 2),
        (UnavailableError("It failed."), 3),
    ],
)
def test_an_error_says_how_the_command_ends(
    error: CommandError, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(VERIFY, connections=Failing(error)) == status
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "daybook verify: It failed.\n")
    assert main([*VERIFY, "--json"], connections=Failing(error)) == status
    said = capsys.readouterr()
    document = json.loads(said.out)
    check("verify", document)
    assert document == {"ok": False, "data": None, "problem": {"exit_status": status, "detail": "It failed."}}
    assert said.err == "daybook verify: It failed.\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()])
def test_an_interrupted_command(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(VERIFY, connections=Failing(error)) == 130
    assert capsys.readouterr().err.lstrip() == "daybook verify: interrupted\n"


def test_a_fault_of_our_own_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        main(VERIFY, connections=Failing(ZeroDivisionError()))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_option_is_wrong_usage_and_with_json_a_document(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--xyzzy", "--json"]) == 2
    said = capsys.readouterr()
    document = json.loads(said.out)
    check(name, document)
    assert document["problem"] == {"exit_status": 2, "detail": "No such option: --xyzzy"}
    assert said.err == (f"daybook {name}: No such option: --xyzzy\n`daybook {name} --help` shows what there is.\n")


def test_the_help_imports_nothing_heavy() -> None:
    program = "import sys; from cli.app import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert HEAVY.isdisjoint(ended.stderr.split())


def test_the_help_takes_no_longer_than_half_again_what_typer_and_rich_take() -> None:
    """The least of several runs each, in processor time: the machine may be busy."""
    command, bare = [sys.executable, "-m", "cli", "--help"], [sys.executable, "-c", "import typer, rich"]
    runs = [(_seconds(command), _seconds(bare)) for _ in range(5)]
    ours, theirs = (min(each) for each in zip(*runs, strict=True))
    assert ours <= 1.5 * theirs


def _seconds(command: list[str]) -> float:
    used: Callable[[], resource.struct_rusage] = lambda: resource.getrusage(resource.RUSAGE_CHILDREN)  # noqa: E731
    before = used()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = used()
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
