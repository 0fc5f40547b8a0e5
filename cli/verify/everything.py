"""Verifies everything: event table, receipts, commands, read models, lake and log, while all of them go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from cli.connections import Connections
from cli.environments.log import verifies
from cli.environments.place import Place
from cli.errors import CommandError, UnavailableError, plain
from cli.output import Outcome, Output
from cli.progress import Steps
from cli.verify.estimating import cost_of, cost_text
from cli.verify.opening import LedgerTables
from cli.verify.telling import outcome
from lambdas.athena.queries import countdown
from lambdas.contracts.event_reader import DomainEventReader
from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.projections.comparison.account_walk import TableAccounts
from lambdas.projections.comparison.comparison import Compared, Comparison, settled_before
from lambdas.projections.errors import NotBuiltError, ProjectionError
from lambdas.transparency.errors import LogConflictError, TransparencyError
from lambdas.verification.beginning import terms
from lambdas.verification.findings import Finding
from lambdas.verification.in_process import walk_all
from lambdas.verification.lake import Lake
from lambdas.verification.log import Log, terms_of
from lambdas.verification.results import LogTerms, Part, Terms
from lambdas.verification.verification import UNANSWERED, Conclusion
from lambdas.verification.walking import Tables

if TYPE_CHECKING:
    from cli.environments.log import Log as OpenLog
    from cli.projections.models import Model, Models

QUERY_SECONDS: Final = 1800.0
MEASURING_SECONDS: Final = 15.0
LOG: Final[Part] = "log"
READ_MODELS: Final[Part] = "read-models"


class Options(msgspec.Struct, frozen=True):
    """In how many parts tables are read at once; how long an event may be on its way, and a command pending."""

    segments: int
    settle: timedelta
    pending: timedelta


class _Run:
    """One verification. A part that cannot be opened or read is told as unchecked; the others go on."""

    def __init__(self, place: Place, options: Options, connections: Connections, output: Output) -> None:
        self._place = place
        self._options = options
        self._connections = connections
        self._output = output
        self._unchecked: dict[Part, str] = {}
        self._found: list[Finding] = []
        self._log: OpenLog | None = None
        self._models: Models = {}

    def run(self) -> Outcome:
        opened = self._connections.ledger_tables(self._place)
        self._open()
        log = self._begin_log()
        agreed = terms(utc_now(), settle=self._options.settle, pending=self._options.pending, log=log)
        index = self._log.index if self._log is not None and log is not None else None
        tables = replace(opened.tables, index=index)
        conclusion = self._walked(tables, agreed, self._estimated(opened))
        self._read_models(conclusion, tables)
        for part, reason in self._unchecked.items():
            conclusion.not_checked(part, reason)
        for finding in self._found:
            conclusion.find(finding)
        return outcome(conclusion.report(), self._output)

    def _open(self) -> None:
        with self._part(LOG):
            self._log = self._connections.transparency_log(self._place)
        with self._part(READ_MODELS):
            self._models = self._connections.projections(self._place)

    def _begin_log(self) -> LogTerms | None:
        if self._log is None:
            return None
        try:
            return terms_of(self._log.store, self._log.index)
        except LogConflictError as error:
            self._found.append(Finding("log", "the log", 0, str(error)))
            self._unchecked[LOG] = str(error)
        except TransparencyError as error:
            self._unchecked[LOG] = plain(error)
        return None

    def _estimated(self, opened: LedgerTables) -> int:
        """Say the cost; gives about how many rows there are. Raises UnavailableError."""
        try:
            sizes = opened.sizes()
            known = [self._rows(each) for each in self._models.values()]
        except FAILURES as error:
            raise UnavailableError(f"The tables cannot be described: {plain(error)}.") from error
        accounts = min(sizes.events.items, max(known)) if known else sizes.events.items
        segments = self._options.segments
        cost = cost_of(sizes, accounts=accounts, read_models=len(self._models), segments=segments)
        self._output.note(cost_text(cost))
        return sizes.events.items + sizes.receipts.items + sizes.commands.items

    @staticmethod
    def _rows(model: Model) -> int:
        return int(model.dynamodb.describe_table(TableName=model.table)["Table"].get("ItemCount", 0))

    def _walked(self, tables: Tables, agreed: Terms, rows: int) -> Conclusion:
        """Walk over the ledger's tables, and compare what was seen with lake and log. Raises UnavailableError."""
        segments = self._options.segments
        try:
            with Steps("Verifying the tables; rows", rows or None, rate=True) as steps:
                seen = walk_all(tables, agreed, segments=segments, told=steps.advance)
        except (ReadUnavailableError, *FAILURES) as error:
            raise UnavailableError(f"The ledger's tables cannot be read: {plain(error)}.") from error
        conclusion = Conclusion(tables, agreed, seen, segments=segments)
        with Steps("Comparing with receipts and commands"):
            conclusion.check_pointers()
        self._compare_lake(conclusion, agreed)
        if self._log is not None and agreed.log is not None:
            self._compare_log(conclusion, agreed, agreed.log, self._log)
        return conclusion

    def _compare_lake(self, conclusion: Conclusion, agreed: Terms) -> None:
        with self._part("lake"), Steps("Comparing with the lake"):
            athena = self._connections.queries(self._place.lake())
            conclusion.check_lake(Lake(lambda sql: athena.rows(sql, countdown(QUERY_SECONDS)), agreed))

    def _compare_log(self, conclusion: Conclusion, agreed: Terms, log_terms: LogTerms, log: OpenLog) -> None:
        with self._part(LOG), Steps("Recomputing the log; leaves", log_terms.size, rate=True) as steps:
            recomputed = Log(log.store, log_terms, agreed.salt, public_key=log.public_key(), verify=verifies)
            conclusion.check_log(recomputed, steps.advance)

    def _read_models(self, conclusion: Conclusion, tables: Tables) -> None:
        for model in self._models.values():
            with self._part(READ_MODELS):
                conclusion.check_read_model(model.name, self._comparison(model, tables))

    def _comparison(self, model: Model, tables: Tables) -> Callable[[], Compared]:
        """A comparison of the live generation."""

        def compare() -> Compared:
            generation = model.control.read().live
            if not generation:
                raise NotBuiltError(model.name)
            meter = self._connections.lag_meter(self._place)
            settled = settled_before(meter.measure(model, Deadline(MEASURING_SECONDS)), utc_now())
            accounts = TableAccounts(model.dynamodb, model.table)
            events = DomainEventReader(tables.store, new_deadline=tables.new_deadline)
            comparison = Comparison(
                model.projection, tables.walk, events, model.rows, accounts, segments=self._options.segments
            )
            with Steps(f"Comparing {model.name}; events", rate=True) as steps:
                return comparison.compare(generation, settled, told=lambda pace: steps.reach(pace.rows))

        return compare

    @contextmanager
    def _part(self, part: Part) -> Iterator[None]:
        try:
            yield
        except (CommandError, *UNANSWERED, ProjectionError) as error:
            self._unchecked.setdefault(part, plain(error))


def verify_everything(place: Place, options: Options, connections: Connections, output: Output) -> Outcome:
    """Verify, and print what is not as it must be. Raises PlaceError, UnavailableError."""
    return _Run(place, options, connections, output).run()
