"""What the event store needs from a domain (the Decider), and the types in which it describes streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from lambdas.eventsourcing.chain import GENESIS
from lambdas.eventsourcing.codec import Codec
from lambdas.eventsourcing.rows import Metadata, Receipt

S = TypeVar("S")
E = TypeVar("E")


Decide = Callable[..., Sequence[Sequence[E]]]
"""Takes one state per stream (None for a stream that does not exist), gives one sequence of events per stream."""


class Decider(msgspec.Struct, Generic[S, E], frozen=True):
    """A domain for the event store.

    `evolve` is total and takes None as the state before the first event; `rejection` is the base class of the
    errors with which the domain rejects a command.
    """

    evolve: Callable[[S | None, E], S]
    codec: Codec[S, E]
    rejection: type[Exception]


class Loaded(msgspec.Struct, Generic[S], frozen=True):
    """The state of a stream at a version. Version 0 and state None: the stream does not exist.

    `hash` and `recorded_at` are those of the row at `version`; `snapshot_version` is the newest row up to it that
    carries a usable snapshot, 0 when there is none.
    """

    stream_id: str
    state: S | None = None
    version: int = 0
    hash: bytes = GENESIS
    recorded_at: str = ""
    snapshot_version: int = 0


class Committed(msgspec.Struct, Generic[S], frozen=True):
    """The streams after a command, in the order of the command's `stream_ids`."""

    commit_id: str
    streams: tuple[Loaded[S], ...]


class Replayed(msgspec.Struct, frozen=True):
    """The request was answered before; `receipt` holds the answer."""

    receipt: Receipt


class Idempotency(msgspec.Struct, Generic[S], frozen=True):
    """What goes into the receipt of a request with an idempotency key.

    `request_hash` is SHA-256 over everything that identifies the request; `ttl` is in seconds. `respond` gives the
    text of the receipt for a success, `reject` for a rejection or a failed precondition; None writes no receipt.
    """

    scope: str
    key: str
    request_hash: bytes
    ttl: int
    respond: Callable[[Committed[S]], str]
    reject: Callable[[Exception], str | None]


class Outcome(msgspec.Struct, frozen=True):
    """How a stored command ended: its status and what else to keep, text and numbers by attribute name."""

    status: str
    attributes: Mapping[str, str | int]


class StoredCommand(msgspec.Struct, Generic[S, E], frozen=True):
    """A command that was stored before it is carried out, and the outcome to write into its row when it ends.

    `scope` and `key` identify it in the store, and `expected` holds what its row must say there (see Completion).
    `decide` is called with the states of `stream_ids`; with none, it rejects whatever stands anywhere. With `opens` the
    streams are expected to be new. `occurred_at` is its business time. `succeed` gives the outcome of a success,
    `reject` that of a rejection. Each of the three may be called for several attempts.
    """

    scope: str
    key: str
    stream_ids: tuple[str, ...]
    decide: Decide[E]
    metadata: Metadata
    occurred_at: str
    succeed: Callable[[Committed[S]], Outcome]
    reject: Callable[[Exception], Outcome]
    expected: Mapping[str, str | bytes | None]
    opens: bool = False


class RecordedEvent(msgspec.Struct, Generic[E], frozen=True):
    """An event of the past, decoded and upcast."""

    version: int
    type: str
    occurred_at: str
    recorded_at: str
    event: E


class Origin(msgspec.Struct, Generic[S, E], frozen=True):
    """The first event of a stream: its commit, who caused it, and the stream after it."""

    commit_id: str
    actor: str
    occurred_at: str
    event: E
    loaded: Loaded[S]


class History(msgspec.Struct, Generic[E], frozen=True):
    """A page of a stream's events, newest first. `next_before` is the `before` of the next page, None at the end."""

    events: list[RecordedEvent[E]]
    next_before: int | None
