"""Sends the domain events of recorded rows again. Consumers drop the ids that they have seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from cli.errors import UnavailableError
from cli.output import counted
from cli.republish.recorded_events import Recorded, Span
from lambdas.contracts.domain_events import AccountDomainEvent, encode_domain_event
from lambdas.eventsourcing.retry import Deadline
from lambdas.publishing.kinesis import KinesisSender
from lambdas.publishing.packing import pack_all
from lambdas.publishing.stream_records import Line, Unpublishable

BATCH_EVENTS: Final = 5_000
SENDING_SECONDS: Final = 120.0
"""The most that one batch may take."""


class NotSentError(UnavailableError):
    """Kinesis did not take a batch. The message is a sentence; sending everything again is safe."""


class Resender:
    """Sends lines as the publisher does: one record of an account in a call; its next waits for that one."""

    def __init__(
        self,
        sender: KinesisSender,
        *,
        new_deadline: Callable[[], Deadline] = lambda: Deadline(SENDING_SECONDS),
        on_sent: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._sender = sender
        self._new_deadline = new_deadline
        self.sent = 0
        self._on_sent = on_sent

    def send(self, lines: Mapping[str, Sequence[Line]]) -> list[Unpublishable]:
        """Send all lines; returns those that are too long for a record. Raises NotSentError."""
        queues, too_long = pack_all(lines, self._sender.limits)
        sent = self._sender.send(queues, self._new_deadline())
        self.sent += sent.events
        self._on_sent(sent.events)
        if sent.unsent:
            accounts = counted(len(sent.unsent), "account")
            raise NotSentError(f"Kinesis did not take all events of {accounts}: {sent.failure.rstrip('.')}.")
        return too_long


def resend(recorded: Recorded, spans: Iterable[Span], resender: Resender, *, unverified: bool = False) -> Iterator[str]:
    """Send the events of spans again, in order. Yields a reason for each row that cannot be sent, and goes on.

    A missing row has a reason, too, and, unless `unverified`, a row whose hash does not follow from the row before it.
    Raises NotSentError, and what the store raises when the table does not answer.
    """
    problems: list[str] = []
    events = (event for span in spans for event in recorded.events(span, problems, unverified=unverified))
    yield from send_events(events, problems, resender)


def send_events(events: Iterator[AccountDomainEvent], problems: list[str], resender: Resender) -> Iterator[str]:
    """Send events. Yields what reading them adds to `problems`, and which of them fit no record. Raises likewise."""
    while batch := list(islice(events, BATCH_EVENTS)):
        too_long = resender.send(_lines(batch))
        problems += [f"{each.stream_id}/{each.version}: {each.reason}" for each in too_long]
        yield from problems
        problems.clear()
    yield from problems


def _lines(events: Iterable[AccountDomainEvent]) -> dict[str, list[Line]]:
    lines: dict[str, dict[int, Line]] = {}
    for event in events:
        line = Line(event.streamversion, encode_domain_event(event) + b"\n", {})
        lines.setdefault(event.subject, {})[event.streamversion] = line
    return {name: [found[version] for version in sorted(found)] for name, found in lines.items()}


def spans_of(ids: Iterable[str]) -> list[Span]:
    """The fewest spans that hold the ids `<account>/<streamversion>`, by account and in order. Raises ValueError."""
    wanted: dict[str, set[int]] = {}
    for each in ids:
        account_id, _, version = each.rpartition("/")
        if not account_id or not version.isascii() or not version.isdigit() or int(version) < 1:
            raise ValueError(f"{each!r} is not the id of a domain event")
        wanted.setdefault(account_id, set()).add(int(version))
    spans: list[Span] = []
    for name, versions in wanted.items():
        for number in sorted(versions):
            last = spans[-1] if spans else None
            if last is not None and (last.account_id, last.up_to) == (name, number - 1):
                spans[-1] = Span(name, last.after, number)
            else:
                spans.append(Span(name, number - 1, number))
    return spans
