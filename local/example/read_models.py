"""The read model of all accounts: listed over HTTP, then built anew beside itself while commands go on."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from cli.aws import AWS
from cli.connections import Connections
from cli.environments.place import Place
from cli.errors import CommandError
from cli.options import LOCAL
from cli.output import Outcome, Output, counted
from cli.progress import Steps
from cli.projections import comparing, switching
from cli.projections.estimating import rows_of
from cli.projections.first_builds import begin
from cli.projections.leftovers import delete_leftovers
from cli.projections.models import Model, Models
from cli.projections.request import Request
from cli.projections.watching import Progress as Watched
from cli.projections.watching import watch
from local.example.client import Answer, Client
from local.example.tables import print_lines, print_table, print_title
from local.machine.environment import Environment
from local.machine.errors import ExampleFailedError
from local.machine.progress import Progress

NAME: Final = "account_summaries"
LISTED: Final = "/accounts?status=open&currency=EUR&limit=5"
COLUMNS: Final = ("account_id", "status", "currency", "balance", "version")
NOT_REACHED: Final = 503
CREDIT: Final = 1
"""What each command that goes on meanwhile credits."""

_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.1
_COMMANDS_AT_A_TIME = 5


def place_of(environment: Environment) -> Place:
    """The running system, as `daybook` knows it. Nothing here reads its file."""
    return Place(LOCAL, Path(), environment.region, environment.aws_endpoint_url)


def wait_for(client: Client, account_id: str, version: int, *, patience: float = _PATIENCE_SECONDS) -> Answer:
    """The account in the read model, once it has that version. Raises ExampleFailedError."""
    deadline = time.monotonic() + patience
    path = f"/accounts?ids={account_id}&min_version={version}"
    while (answer := client.get(path, or_else=NOT_REACHED)).status == NOT_REACHED:
        if time.monotonic() > deadline:
            raise ExampleFailedError(
                f"The read model has not reached version {version} after {patience:.0f} seconds; see `make logs`."
            )
        time.sleep(_POLL_SECONDS)
    return answer


def show_list(client: Client, reached: dict[str, int], progress: Progress, console: Console) -> None:
    """Wait until accounts have reached their versions, and print the list of all. Raises ExampleFailedError."""
    console.print()
    with progress.step("Waiting until the read model has both accounts"):
        for account_id, version in reached.items():
            wait_for(client, account_id, version)
    answer = client.get(LISTED)
    print_title(console, f"Accounts from a read model: GET {LISTED}")
    rows = [[str(each[name]) for name in COLUMNS] for each in answer.body["accounts"]]
    print_table(console, COLUMNS, rows, right={"balance", "version"})
    lag = answer.headers.get("daybook-lag")
    told = f"Daybook-Lag: {lag} (events it is behind; seconds)"
    print_lines(console, told if lag else "no Daybook-Lag yet: it is measured every minute")
    console.print()


def show_rebuild(
    client: Client, place: Place, account_id: str, version: int, progress: Progress, console: Console,
    *, connections: Connections | None = None,
) -> None:  # fmt: skip
    """Rebuild, compare and switch; an account at `version` is credited meanwhile. Raises ExampleFailedError."""
    connections = connections or AWS()
    try:
        models = connections.projections(place)
        commands, built, seconds = rebuild(client, place, models[NAME], account_id, progress, console)
        compared = comparing.run(_request("compare", place, connections, models)).data.compared
        if not compared.equal:
            raise ExampleFailedError(f"The read model differs from the events: {compared.first}.")
        switched: Outcome = switching.run(_request("switch", place, connections, models))
    except CommandError as error:
        raise ExampleFailedError(f"The read model could not be built anew. {error}") from error
    last = version + commands
    (found,) = wait_for(client, account_id, last).body["accounts"]
    live = switched.data.standing.live
    print_title(console, "A read model built anew, while it is read and commands go on")
    print_lines(
        console,
        f"$ daybook projections rebuild {NAME}",
        f"  generation {built.generation}: {counted(built.events, 'event')} in {seconds:.1f} s; "
        f"meanwhile {counted(commands, 'command')} on one account",
        f"$ daybook projections compare {NAME}",
        f"  {counted(compared.accounts, 'account')} and {counted(compared.events, 'event')}: equal",
        f"$ daybook projections switch {NAME}",
        f"  generation {live} is live, the one before is kept for `rollback`",
        f"GET /accounts?ids=...&min_version={last}",
        f"  balance {found['balance']} at version {found['version']}; within 10 s all from generation {live}",
        "`.venv/bin/daybook projections status --follow` shows how far they are behind.",
    )


def rebuild(
    client: Client, place: Place, model: Model, account_id: str, progress: Progress, console: Console
) -> tuple[int, Watched, float]:
    """Build the next generation; gives how many commands were sent meanwhile, and how long it took.

    What an earlier run has left beside the live generation is dropped: nobody reads it here. Raises CommandError.
    """
    sent = 0

    def send(_: float) -> None:
        nonlocal sent
        for _ in range(_COMMANDS_AT_A_TIME):
            client.post(f"/accounts/{account_id}/credit", {"amount": CREDIT}, expected=200)
            sent += 1

    started, text = time.monotonic(), f"Rebuilding {NAME}"
    _drop_what_is_kept(model)
    building, total = begin(place, model), rows_of(model, place.ledger().event_table)
    with Steps(
        f"  {text}; events", total or None, rate=True, patience=0.0 if console.is_terminal else _PATIENCE_SECONDS
    ) as steps:
        send(0.0)
        told: Callable[[Sequence[Watched]], None] = lambda found: steps.reach(found[0].events)  # noqa: E731
        (built,) = watch([(model, building)], told, again=f"daybook projections rebuild {NAME}", sleep=send)
    seconds = time.monotonic() - started
    progress.say(f"  done   {text} ({seconds:.1f} s)")
    return sent, built, seconds


def _drop_what_is_kept(model: Model) -> None:
    control = model.control.read()
    if control.previous or (control.building and control.building.state == "built"):
        model.control.change(control, control.dropped())
        delete_leftovers(model, control.dropped(), lambda _: None)


def _request(action: str, place: Place, connections: Connections, models: Models) -> Request:
    output = Output("projections", json=True)  # what it prints is for those who type it
    return Request(
        action=action, place=place, connections=connections, models=models, names=[NAME], output=output
    )  # fmt: skip
