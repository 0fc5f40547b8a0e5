"""`daybook trace`."""

from __future__ import annotations

from datetime import datetime
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
    moment,
    whole_number,
)
from cli.output import Outcome, Output

DEFAULT_SINCE: Final = "1d"
DEFAULT_SECONDS: Final = 60


def _correlation_id(text: str) -> str:
    from cli.trace.window import correlation_id

    return correlation_id(text)


def _since(text: str) -> datetime:
    from cli.trace.window import ago_or_moment

    return ago_or_moment(str(text))


CorrelationId = Annotated[
    str,
    typer.Argument(
        metavar="CORRELATION_ID", parser=_correlation_id, help="From the header X-Correlation-Id of the answer."
    ),
]
Since = Annotated[
    datetime,
    typer.Option(
        "--since",
        parser=_since,
        metavar="TIME",
        help="Look at nothing older: 30m, 12h, 7d, or a time (UTC) such as 2026-03-01T09:30:00Z.",
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", parser=moment, metavar="TIME", help="Look at no later log lines.", show_default="now"),
]
Account = Annotated[
    str | None,
    typer.Option(
        "--account",
        parser=account_id,
        metavar="ACCOUNT_ID",
        help="Also look through this account's stored commands: one that is still PENDING is in no log.",
    ),
]
Timeout = Annotated[
    int,
    typer.Option(
        "--timeout",
        parser=whole_number(1, None, "a number of seconds"),
        metavar="SECONDS",
        help="Stop reading logs and stream after this time, and say what was not read.",
    ),
]


def trace(
    context: typer.Context,
    correlation: CorrelationId,
    since: Since = DEFAULT_SINCE,  # type: ignore[assignment] # the parser reads it
    until: Until = None,
    account: Account = None,
    timeout: Timeout = DEFAULT_SECONDS,
    env: Env = LOCAL,
    region: Region = None,
    environment_file: EnvironmentFile = ENVIRONMENT_FILE,
    as_json: Json = False,
) -> Outcome:
    """Follow one correlation id: log lines of the functions, stored command, event, stream and lake.

    Shows each stage with its time, and says why of what was not found. It scans no table and changes nothing.
    """
    from cli.environments.place import place_of
    from cli.trace.following import Request, show
    from cli.trace.window import window_of

    request = Request(correlation, window_of(since, until), account, timeout)
    place = place_of(Where(env, region, environment_file))
    return show(connections_of(context).tracing(place), request, env, Output("trace", json=as_json))
