"""How events and state are stored, as data: classes, schema versions and upcasters.

Every event of `EVENTS` is stored, in version 1 until its shape changes. Then put a Schema of the class into
`CHANGED_EVENTS`, with the next `version`, and add to its `upcasters` a function from the last version's JSON object to
that of the next. Keep samples and earlier upcasters.

Read before write: the release that brings an event or a version only reads it, because the release before, which still
runs beside it, cannot. Say so in `WRITES`, with `downcasters` to the version that is written, and take it out in the
next release, after `python -m lambdas.contracts.release`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from lambdas.accounts.events import EVENTS
from lambdas.accounts.state import Account

Caster = Callable[[dict[str, Any]], dict[str, Any]]


class Schema(Struct, frozen=True):
    """A stored class; its name is its stored type.

    `upcasters[n]` turns version n into version n + 1, `downcasters[n]` into version n − 1.
    """

    cls: type[Struct]
    version: int = 1
    upcasters: Mapping[int, Caster] = {}
    downcasters: Mapping[int, Caster] = {}


CHANGED_EVENTS: Final[tuple[Schema, ...]] = ()
"""The schemas of events that are no longer stored in version 1."""


def event_schemas(changed: Sequence[Schema] = CHANGED_EVENTS) -> tuple[Schema, ...]:
    """The schema of every event, in the order of `EVENTS`: the one in `changed`, or version 1."""
    known = {schema.cls: schema for schema in changed}
    return tuple(known.get(cls, Schema(cls)) for cls in EVENTS)


EVENT_SCHEMAS: Final = event_schemas()

STATE_SCHEMA: Final = Schema(Account)

WRITES: Final[Mapping[str, int]] = {}
"""By stored type: the version that is written of it, where it is not the newest. 0: the event is not written yet."""
