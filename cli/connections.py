"""What commands reach the outside through. `cli.aws` is the real one; tests hand another to `cli.app.main`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.environments.lake import Target
    from cli.environments.ledger import Ledger
    from cli.environments.place import Place
    from cli.reconcile.recorded import Recorded, Window
    from cli.redrive.inbox import Clients, Inbox
    from cli.republish.places import Parts
    from cli.sql.session import Result
    from lambdas.eventsourcing.store import EventStore
    from lambdas.reporting.report import Queries, Shelf


class Connections(Protocol):
    """Opens what a command asks for. Every method raises PlaceError where AWS's configuration is not complete."""

    def event_store(self, ledger: Ledger) -> EventStore:
        """A store that reads an event table."""

    def sql(self, target: Target) -> Callable[[str], Result]:
        """Athena as people ask it; what is given back raises QueryFailedError."""

    def queries(self, target: Target) -> Queries:
        """Athena as the report's code asks it."""

    def bucket(self, target: Target, name: str) -> Shelf:
        """A bucket for reports."""

    def recorded(self, place: Place, window: Window, counted: Callable[[int], None]) -> Recorded:
        """What the event table holds of a window; `counted` is told the rows of each page. Raises UnavailableError."""

    def republishing(self, place: Place) -> Parts:
        """The event table, the stream and the parking bucket."""

    def inbox(self, inbox: Inbox) -> Clients:
        """The clients that stored commands are reached by."""


def connections_of(context: typer.Context) -> Connections:
    """Those that the application was called with."""
    found: Connections = context.obj
    return found
