"""The interface through which commands reach AWS. `cli.aws` implements it; tests pass another to `cli.app.main`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.doctor.account import Account
    from cli.environments.lake import Target
    from cli.environments.ledger import Ledger
    from cli.environments.log import Log
    from cli.environments.place import Place
    from cli.projections.models import Models
    from cli.reconcile.recorded import Known, Recorded, Window
    from cli.redrive.inbox import Clients, Inbox
    from cli.republish.places import Parts
    from cli.restore.announcing import Announcer
    from cli.restore.clients import Clients as Restoring
    from cli.restore.published import Told
    from cli.seal.sealing import Sealer
    from cli.smoke.places import Parts as SmokeParts
    from cli.sql.session import Result
    from cli.trace.sources import Sources
    from cli.verify.opening import LedgerTables
    from lambdas.eventsourcing.store import EventStore
    from lambdas.projections.stream.measuring import LagMeter
    from lambdas.reporting.report import Queries, Shelf


class Connections(Protocol):
    """Opens the connections that a command needs. Each raises PlaceError if AWS's configuration is incomplete."""

    def event_store(self, ledger: Ledger) -> EventStore:
        """A store that reads an event table."""

    def sql(self, target: Target) -> Callable[[str], Result]:
        """A session on Athena for statements of a person. Calling it raises QueryFailedError."""

    def queries(self, target: Target) -> Queries:
        """A client of Athena for the report's code."""

    def bucket(self, target: Target, name: str) -> Shelf:
        """A bucket for reports."""

    def recorded(self, place: Place, window: Window, known: Known, counted: Callable[[int], None]) -> Recorded:
        """The events of the table in a window; `counted` gets each page's number of rows. Raises UnavailableError."""

    def republishing(self, place: Place) -> Parts:
        """The event table, the stream and the parking bucket."""

    def inbox(self, inbox: Inbox) -> Clients:
        """Clients for the commands table, its parking bucket and its processor."""

    def account(self, place: Place) -> Account:
        """The account of an environment, to be examined."""

    def restoring(self, place: Place) -> Restoring:
        """Clients for the ledger's tables and stack, and for the functions that write."""

    def smoke(self, place: Place, run: str) -> SmokeParts:
        """What a trial goes through. Its requests carry the correlation id `run`."""

    def told(self, place: Place) -> Told:
        """What was published: the lake, the stream, and what earlier restores revoked."""

    def announcer(self, place: Place) -> Announcer:
        """Where a restore is told: the lake's bucket and the stream."""

    def projections(self, place: Place) -> Models:
        """The read models, and what is deployed for each."""

    def lag_meter(self, place: Place) -> LagMeter:
        """What measures how far a read model is behind the stream."""

    def tracing(self, place: Place) -> Sources:
        """Logs, tables, stream and lake, to follow a correlation id."""

    def transparency_log(self, place: Place) -> Log:
        """The transparency log, to read."""

    def sealer(self, place: Place) -> Sealer:
        """The deployed function that seals."""

    def ledger_tables(self, place: Place) -> LedgerTables:
        """The ledger's tables, to verify everything."""


def connections_of(context: typer.Context) -> Connections:
    """The connections that were passed to the application."""
    found: Connections = context.obj
    return found
