"""Holds what a projection gives for an event against what its table can keep.

What does not fit would fail when the row is written, with the whole batch and at every repetition. Found here, it is
what `fold` raises is: it stops its account, and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from msgspec import Struct
from msgspec.json import Decoder, encode

from lambdas.projections.projection import AnyProjection, Folded, Measures, Place

MOST_DIGITS: Final = 38
"""Of a number. Source: Amazon DynamoDB Developer Guide, "Supported data types and naming rules"."""
MOST_KEPT_BYTES: Final = 390_000
"""Of the JSON text of what is kept: the rest of an item's 400 KB is for its keys and its gate. Source: Amazon DynamoDB
Developer Guide, "Quotas in Amazon DynamoDB"."""
MOST_KEY_BYTES: Final = 1024
"""Of a range key. Source: Amazon DynamoDB Developer Guide, "Quotas in Amazon DynamoDB"."""
MOST_ORDER_BYTES: Final = MOST_KEY_BYTES - 64
"""An account's id follows it in its key."""
_SEPARATOR: Final = "#"
_RESERVED: Final = frozenset({"pk", "sk"})
_LIMIT: Final = 10**MOST_DIGITS


class UnkeepableError(ValueError):
    """What a projection gives cannot be kept. `str()` says what, and why."""


def check(projection: AnyProjection, folded: Folded[Any]) -> None:
    """Raises UnkeepableError, or whatever the projection's `place` raises, or what is no Folded at all."""
    if type(folded.kept) is not projection.keeps:
        raise UnkeepableError(f"what is kept is no {projection.keeps.__name__}: {folded.kept!r:.200}")
    _check_kept(folded.kept)
    for key, measures in folded.additions.items():
        _check_addition(key, measures)
    if projection.place is not None:
        _check_place(projection.groups, projection.place(folded.kept))


def _check_kept(kept: Struct) -> None:
    """A struct does not look at what it is made with. Raises what msgspec raises, too."""
    text = encode(kept)
    if len(text) > MOST_KEPT_BYTES:
        raise UnkeepableError(f"what is kept has {len(text)} bytes: {MOST_KEPT_BYTES} can be")
    if _decoder(type(kept)).decode(text) != kept:
        raise UnkeepableError(f"what is kept is read again as something else: {kept!r:.200}")


@cache
def _decoder(keeps: type[Struct]) -> Decoder[Struct]:
    return Decoder(keeps)


def _check_addition(key: str, measures: Measures) -> None:
    if not key or len(key.encode()) > MOST_KEY_BYTES:
        raise UnkeepableError(f"{key!r:.200} is no key of a shared row: it has 1 to {MOST_KEY_BYTES} bytes")
    if not isinstance(measures, Mapping) or not measures:
        raise UnkeepableError(f"nothing is added to the shared row {key}")
    for name, amount in measures.items():
        if not name or name in _RESERVED:
            raise UnkeepableError(f"{name!r} is no name of a measure")
        if type(amount) is not int or not -_LIMIT < amount < _LIMIT:
            raise UnkeepableError(f"{name} of {key} is no whole number of at most {MOST_DIGITS} digits: {amount!r:.50}")


def _check_place(groups: tuple[str, ...], place: Place) -> None:
    if place.group not in groups or _SEPARATOR in place.group + place.order:
        raise UnkeepableError(f"{place} is no place in the groups {', '.join(groups)}")
    if len(place.order.encode()) > MOST_ORDER_BYTES:
        raise UnkeepableError(f"the order {place.order:.50}… has more than {MOST_ORDER_BYTES} bytes")
