"""Accounts that are stopped go on, and events that a restore of the ledger has revoked are undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.folding.filling import fill
from lambdas.projections.folding.gate import holds_revoked, lowest_standing
from lambdas.projections.folding.steps import Steps
from lambdas.projections.folding.taken import EventSource

HOLDS_REVOKED: Final = "Shared rows hold events of this account that a restore has revoked: rebuild this projection."


def after_restores(
    steps: Steps[Any], restores: Sequence[RestoredEvent], events: EventSource, deadline: Deadline
) -> bool:
    """Take note of restores, undo what they revoked, and fold what the table has. False: there was not time enough.

    A restore that is news lets a stopped account go on.
    """
    news = [each for each in restores if steps.know(each)]
    if news and (steps.gate.stopped or holds_revoked(steps.gate)):
        return go_on(steps, events, deadline)
    return bool(steps.gate.stopped) or fill(steps, events, deadline)


def go_on(steps: Steps[Any], events: EventSource, deadline: Deadline) -> bool:
    """Let an account go on, if its gate is that of the table's history. False: there was not time enough.

    That it goes on is written first, and the newest events are read after that: those that were delivered before, and
    ignored, are among them.
    """
    done = _undo(steps, events, deadline) if holds_revoked(steps.gate) else _confirm(steps, events, deadline)
    if not done:
        return False
    if steps.gate.stopped:
        return True
    steps.write()
    return fill(steps, events, deadline)


def _confirm(steps: Steps[Any], events: EventSource, deadline: Deadline) -> bool:
    """Clear the stop, unless the table has another event at the gate. False: no time."""
    steps.clear_stop()
    return fill(steps, events, deadline, up_to=steps.gate.version) if steps.gate.version else True


def _undo(steps: Steps[Any], events: EventSource, deadline: Deadline) -> bool:
    """Fold the account anew without the events that are revoked, to be written at once. False: no time.

    What shared rows hold cannot be taken back: that stops the account.
    """
    gate = steps.gate
    if not gate.added:
        steps.begin_anew()
        if not fill(steps, events, deadline, up_to=lowest_standing(gate)):
            return False
        if not steps.gate.added:
            return True
        steps.give_up(gate)
    steps.stop(HOLDS_REVOKED)
    return True
