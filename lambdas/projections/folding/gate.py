"""What an event is to an account's gate, and how the gate moves: pure.

Consumers trust an event's `streamversion`, not its arrival. `rowhash` and `recordedtime` tell a duplicate from a fork:
another history than the one that was folded, after a restore or a rewrite (docs/consumers.md).
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from msgspec.structs import replace

from lambdas.contracts.ledger_events import RestoredEvent
from lambdas.projections.read_model import Gate, Revoked


class Placed(Protocol):
    """What says where an event stands in its account's history."""

    @property
    def streamversion(self) -> int: ...

    @property
    def rowhash(self) -> str: ...

    @property
    def recordedtime(self) -> str: ...


class Standing(Enum):
    """What an event is to a gate."""

    NEXT = auto()
    DUPLICATE = auto()
    GAP = auto()
    """Events are missing before it."""
    FORK = auto()
    """It is of another history."""
    REVOKED = auto()
    """A restore has revoked it."""


def standing(gate: Gate, event: Placed) -> Standing:
    """What a delivered event is to the gate; whether the account is stopped plays no part."""
    version, last = event.streamversion, gate.version
    if _is_revoked(gate.revoked, version, event.recordedtime):
        return Standing.REVOKED
    if version == last:
        return Standing.DUPLICATE if event.rowhash == gate.rowhash else Standing.FORK
    if version < last:
        return Standing.FORK if event.recordedtime > gate.recordedtime else Standing.DUPLICATE
    if event.recordedtime < gate.recordedtime:  # booking times never decrease within a history
        return Standing.FORK
    return Standing.NEXT if version == last + 1 else Standing.GAP


def moved(gate: Gate, event: Placed, *, added: bool) -> Gate:
    """The gate after an event that was folded; `added`: it adds to shared rows."""
    return replace(
        gate,
        version=event.streamversion,
        rowhash=event.rowhash,
        recordedtime=event.recordedtime,
        added=gate.added or added,
    )


def holds_revoked(gate: Gate) -> bool:
    """Whether the last event that counts is revoked by a restore that the gate knows."""
    return _is_revoked(gate.revoked, gate.version, gate.recordedtime)


def with_restore(gate: Gate, event: RestoredEvent) -> Gate:
    """The gate that knows of a restore, too; the same gate if it says nothing new. Restores come in any order."""
    new = Revoked(event.data.last_good_version, event.recordedtime)
    known = _each(gate.revoked)
    if any(_covers(each, new) for each in known):
        return gate
    chain: Revoked | None = None
    for each in sorted([new, *(each for each in known if not _covers(new, each))], key=lambda each: each.before):
        chain = replace(each, earlier=chain)
    return replace(gate, revoked=chain)


def lowest_standing(gate: Gate) -> int:
    """The version up to which the events that count are known to stand: the lowest that a restore named."""
    revoking = [each for each in _each(gate.revoked) if each.revokes(gate.version, gate.recordedtime)]
    return min(each.last_good_version for each in revoking)


def _is_revoked(revoked: Revoked | None, version: int, recordedtime: str) -> bool:
    return any(each.revokes(version, recordedtime) for each in _each(revoked))


def _each(revoked: Revoked | None) -> list[Revoked]:
    chain = []
    while revoked is not None:
        chain.append(revoked)
        revoked = revoked.earlier
    return chain


def _covers(one: Revoked, other: Revoked) -> bool:
    """Whether all that the other revokes is revoked by the one."""
    return one.last_good_version <= other.last_good_version and one.before >= other.before
