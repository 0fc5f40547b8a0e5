"""The ports of projections on which things go wrong: a request is lost, or its answer, or the process ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Protocol, TypeVar

from lambdas.contracts.domain_events import AccountDomainEvent
from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.eventsourcing.errors import ReadUnavailableError
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.control import Control, ControlRow
from lambdas.projections.errors import ReadModelUnavailableError
from lambdas.projections.folding.taken import Delivered, EventSource
from lambdas.projections.projection import Additions
from lambdas.projections.read_model import AccountRow, ReadModel, Units
from lambdas.projections.segments import Segment, Segments

T = TypeVar("T")


class CrashError(BaseException):
    """A process ends here."""


class Network(Protocol):
    """What carries every request."""

    def request(self, call: Callable[[], T], lost: Exception) -> T:
        """Carry the request out, or not; give its answer, or raise `lost`, or CrashError."""
        ...


class RemoteReadModel:
    """A ReadModel behind a network."""

    def __init__(self, rows: ReadModel[Any], network: Network) -> None:
        self._rows = rows
        self._network = network

    @property
    def units(self) -> Units:
        """See ReadModel.units."""
        return self._rows.units

    def load(self, generation: int, account_id: str, deadline: Deadline) -> AccountRow[Any]:
        """See ReadModel.load."""
        return self._send(lambda: self._rows.load(generation, account_id, deadline), deadline)

    def save(
        self,
        generation: int,
        before: AccountRow[Any],
        after: AccountRow[Any],
        additions: Additions,
        deadline: Deadline,
    ) -> None:
        """See ReadModel.save."""
        self._send(lambda: self._rows.save(generation, before, after, additions, deadline), deadline)

    def defer(self, generation: int, account_id: str, rebuild: str, deadline: Deadline) -> bool:
        """See ReadModel.defer."""
        return self._send(lambda: self._rows.defer(generation, account_id, rebuild, deadline), deadline)

    def deferred(self, generation: int) -> Iterator[str]:
        """See ReadModel.deferred."""
        return iter(self._send(lambda: list(self._rows.deferred(generation))))

    def undefer(self, generation: int, account_id: str) -> None:
        """See ReadModel.undefer."""
        self._send(lambda: self._rows.undefer(generation, account_id))

    def note_restore(self, event: RestoredEvent, deadline: Deadline) -> None:
        """See ReadModel.note_restore."""
        self._send(lambda: self._rows.note_restore(event, deadline), deadline)

    def restores(self) -> Iterator[RestoredEvent]:
        """See ReadModel.restores."""
        return iter(self._send(lambda: list(self._rows.restores())))

    def stopped(self, generation: int) -> Iterator[AccountRow[Any]]:
        """See ReadModel.stopped."""
        return iter(self._send(lambda: list(self._rows.stopped(generation))))

    def shared_rows(self, generation: int, first: str, last: str) -> dict[str, dict[str, int]]:
        """See ReadModel.shared_rows."""
        return self._send(lambda: self._rows.shared_rows(generation, first, last))

    def rows(self, generation: int, account_ids: Iterable[str]) -> dict[str, AccountRow[Any]]:
        """See ReadModel.rows."""
        return self._send(lambda: self._rows.rows(generation, account_ids))

    def _send(self, call: Callable[[], T], deadline: Deadline | None = None) -> T:
        if deadline is not None and not deadline.allows_attempt():
            raise ReadModelUnavailableError("no time is left")
        return self._network.request(call, ReadModelUnavailableError("no answer"))


class RemoteControlRow:
    """A ControlRow behind a network."""

    def __init__(self, row: ControlRow, network: Network) -> None:
        self._row = row
        self._network = network

    def read(self) -> Control:
        """See ControlRow.read."""
        return self._network.request(self._row.read, ReadModelUnavailableError("no answer"))

    def change(self, before: Control, after: Control) -> None:
        """See ControlRow.change."""
        self._network.request(lambda: self._row.change(before, after), ReadModelUnavailableError("no answer"))


class RemoteSegments:
    """Segments behind a network."""

    def __init__(self, segments: Segments, network: Network) -> None:
        self._segments = segments
        self._network = network

    def all(self, generation: int) -> list[Segment]:
        """See Segments.all."""
        return self._send(lambda: self._segments.all(generation))

    def load(self, generation: int, number: int) -> Segment | None:
        """See Segments.load."""
        return self._send(lambda: self._segments.load(generation, number))

    def save(self, segment: Segment) -> None:
        """See Segments.save."""
        self._send(lambda: self._segments.save(segment))

    def drop(self, generation: int) -> None:
        """See Segments.drop."""
        self._send(lambda: self._segments.drop(generation))

    def _send(self, call: Callable[[], T]) -> T:
        return self._network.request(call, ReadModelUnavailableError("no answer"))


class RemoteEvents:
    """The event table behind a network: a request for each page, and pages show what is there when they are read."""

    def __init__(self, events: EventSource, network: Network, page: int) -> None:
        self._events = events
        self._network = network
        self._page = page

    def read(self, account_id: str, *, after: int = 0, up_to: int | None = None) -> Iterator[AccountDomainEvent]:
        """See EventSource.read."""
        while up_to is None or after < up_to:
            page, error = self._network.request(partial(self._read, account_id, after, up_to), unread())
            yield from page
            after += len(page)
            if error is not None:
                raise error
            if up_to is None and not page:
                return

    def _read(
        self, account_id: str, after: int, up_to: int | None
    ) -> tuple[list[AccountDomainEvent], Exception | None]:
        """Events of one page, and what is to be raised after them."""
        page: list[AccountDomainEvent] = []
        try:
            for event in self._events.read(account_id, after=after, up_to=up_to):
                page.append(event)
                if len(page) == self._page:
                    break
        except Exception as error:  # noqa: BLE001 - whatever the source raises goes to who reads, later
            return page, error
        return page, None


class Scanned(Protocol):
    """The event table as a rebuild walks it."""

    def page(self, segment: int, segments: int, after: str, limit: int) -> tuple[list[Delivered], str]:
        """See Ledger.page."""
        ...


def unread() -> ReadUnavailableError:
    """What a reader of the event table hears when there is no answer."""
    return ReadUnavailableError("no answer")
