"""What a restore of the ledger means for an account's row: events that were folded may be revoked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.filling import fill
from lambdas.projections.gate import holds_revoked, lowest_standing
from lambdas.projections.steps import Steps
from lambdas.projections.taken import EventSource

HOLDS_REVOKED: Final = "Shared rows hold events of this account that a restore has revoked: rebuild this projection."


def after_restores(
    steps: Steps[Any], restores: Sequence[RestoredEvent], events: EventSource, deadline: Deadline
) -> bool:
    """Take note of restores, and undo what they revoked. False: there was not time enough.

    A restore that is news lets a stopped account go on: what was ignored meanwhile comes from the event table.
    """
    news = [each for each in restores if steps.know(each)]
    if news:
        steps.go_on()
    if steps.gate.stopped:
        return True
    if not undo_revoked(steps, events, deadline):
        return False
    return not restores or bool(steps.gate.stopped) or fill(steps, events, deadline)


def undo_revoked(steps: Steps[Any], events: EventSource, deadline: Deadline) -> bool:
    """Fold the account anew without the events that a restore has revoked, in one write. False: no time.

    What shared rows hold cannot be taken back: that stops the account.
    """
    gate = steps.gate
    if not holds_revoked(gate):
        return True
    if not gate.added:
        steps.begin_anew()
        if not fill(steps, events, deadline, up_to=lowest_standing(gate)):
            steps.give_up(gate)
            return False
        if not steps.gate.added:
            steps.write()
            return True
        steps.give_up(gate)
    steps.stop(HOLDS_REVOKED)
    return True
