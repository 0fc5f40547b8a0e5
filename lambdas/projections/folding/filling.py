"""Folds from the event table what is missing at an account's gate."""

from __future__ import annotations

from typing import Any

from lambdas.contracts.domain_events import AccountDomainEvent, NotPublishableError
from lambdas.eventsourcing.errors import CorruptRowError, InconsistentReadError
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.folding.steps import STEP_EVENTS, Steps
from lambdas.projections.folding.taken import EventSource


def fill(steps: Steps[Any], events: EventSource, deadline: Deadline, *, up_to: int | None = None) -> bool:
    """Fold the events that follow the gate, to `up_to` or to the newest. False: time is over, and some are left.

    The gate's own event is read with them: if the table has another one there, or none, it is a fork. That, and an
    event that cannot be read, stops the account. Raises RowChangedError, ReadModelUnavailableError and
    ReadUnavailableError.
    """
    start = steps.gate.version
    following = max(start, 1)
    if not deadline.allows_attempt():
        return False
    try:
        for count, event in enumerate(events.read(steps.row.account_id, after=following - 1, up_to=up_to)):
            if count and count % STEP_EVENTS == 0 and not _continue(steps, deadline):
                return False
            following = event.streamversion + 1
            _fold_or_compare(steps, event, start)
            if steps.gate.stopped:
                return True
    except (NotPublishableError, CorruptRowError) as error:
        steps.stop(f"Event {following} cannot be read: {error}")
    except InconsistentReadError:
        steps.stop(_missing(following))
    else:
        if following <= (start if up_to is None else up_to):
            steps.stop(_missing(following))
    return True


def _continue(steps: Steps[Any], deadline: Deadline) -> bool:
    """After a page: it is written while there is time for that. Whether there is time for another one."""
    if deadline.allows_attempt():
        steps.end_step()
    return deadline.allows_attempt()


def _fold_or_compare(steps: Steps[Any], event: AccountDomainEvent, start: int) -> None:
    if event.streamversion > start:
        steps.fold(event)
    elif event.rowhash != steps.gate.rowhash:
        steps.stop(f"The event table has another event {start} than the one that was folded: a restore?")


def _missing(version: int) -> str:
    return f"The event table has no event {version}, which was published or folded: a restore?"
