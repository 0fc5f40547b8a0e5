"""The connections that `daybook` opens to AWS or to the emulator. Tests pass their own to `cli.app.main`.

Each method imports what it needs when it is called, so that the help needs neither boto3 nor an Athena client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.connections import Connections

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


class AWS(Connections):
    """Opens the connections that a command needs."""

    def event_store(self, ledger: Ledger) -> EventStore:
        """A store that reads an event table."""
        from cli.environments.ledger import open_store

        return open_store(ledger)

    def sql(self, target: Target) -> Callable[[str], Result]:
        """A session on Athena for statements of a person. Calling it raises QueryFailedError."""
        from cli.sql.session import Session

        return Session(target).run

    def queries(self, target: Target) -> Queries:
        """A client of Athena for the report's code."""
        from cli.report.places import open_athena

        return open_athena(target)

    def bucket(self, target: Target, name: str) -> Shelf:
        """A bucket for reports."""
        from cli.report.places import open_bucket

        return open_bucket(target, name)

    def recorded(self, place: Place, window: Window, known: Known, counted: Callable[[int], None]) -> Recorded:
        """The events of the table in a window; `counted` gets each page's number of rows. Raises UnavailableError."""
        from cli.reconcile.recorded import recorded_events
        from cli.storage.table_scan import RETRIES

        client = place.client("dynamodb", RETRIES)
        return recorded_events(client, place.ledger().event_table, window, known, counted=counted)

    def republishing(self, place: Place) -> Parts:
        """The event table, the stream and the parking bucket."""
        from cli.republish.places import open_parts

        return open_parts(place)

    def inbox(self, inbox: Inbox) -> Clients:
        """Clients for the commands table, its parking bucket and its processor."""
        from cli.redrive.inbox import open_clients

        return open_clients(inbox)

    def account(self, place: Place) -> Account:
        """The account of an environment, to be examined."""
        from cli.doctor.account import Account
        from stacks.environment import environment

        return Account(environment(place.environment), place.client)

    def restoring(self, place: Place) -> Restoring:
        """Clients for the ledger's tables and stack, and for the functions that write."""
        from cli.restore.clients import open_clients

        return open_clients(place)

    def smoke(self, place: Place, run: str) -> SmokeParts:
        """What a trial goes through. Its requests carry the correlation id `run`."""
        from cli.smoke.places import open_parts

        return open_parts(place, self.queries(place.lake()), run)

    def told(self, place: Place) -> Told:
        """What was published: the lake, the stream, and what earlier restores revoked."""
        from cli.restore.published import open_told

        return open_told(place, self.sql(place.lake()))

    def announcer(self, place: Place) -> Announcer:
        """Where a restore is told: the lake's bucket and the stream."""
        from cli.restore.announcing import open_announcer

        return open_announcer(place)

    def projections(self, place: Place) -> Models:
        """The read models, and what is deployed for each."""
        from cli.projections.models import open_models

        return open_models(place)

    def lag_meter(self, place: Place) -> LagMeter:
        """What measures how far a read model is behind the stream."""
        from cli.projections.models import open_meter

        return open_meter(place)

    def tracing(self, place: Place) -> Sources:
        """Logs, tables, stream and lake, to follow a correlation id."""
        from cli.trace.sources import open_sources

        return open_sources(place)

    def transparency_log(self, place: Place) -> Log:
        """The transparency log, to read."""
        from cli.environments.log import open_log

        return open_log(place)

    def sealer(self, place: Place) -> Sealer:
        """The deployed function that seals."""
        from cli.seal.sealing import open_sealer

        return open_sealer(place)

    def ledger_tables(self, place: Place) -> LedgerTables:
        """The ledger's tables, to verify everything."""
        from cli.verify.opening import open_tables

        return open_tables(place)
