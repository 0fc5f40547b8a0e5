"""The sealer: finishes what was decided, decides what is new, and finishes that.

Several may run at once, and each may stop anywhere: a seal is decided by whoever adds its object first, and everybody
finishes it alike. What a sealer found in the lake counts only if nobody decided a seal meanwhile.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from lambdas.transparency import checkpoint, note
from lambdas.transparency.applying import apply_seal
from lambdas.transparency.deciding import Restore, SealableRow, decide
from lambdas.transparency.errors import LogConflictError, LogUnavailableError
from lambdas.transparency.findings import Findings, Sealed
from lambdas.transparency.finishing import Finished, Finisher
from lambdas.transparency.index import LogIndex, Progress
from lambdas.transparency.leaves import Leaf, encode_leaf
from lambdas.transparency.log_store import LogStore
from lambdas.transparency.seal import (
    BEGINNING,
    SEAL_LEAVES,
    SEAL_TYPE,
    Seal,
    SealHeader,
    checkpoint_name,
    encode_seal,
    seal_name,
)
from lambdas.transparency.signer import Announcer, Signer
from lambdas.transparency.standing import LogStanding
from lambdas.transparency.tile_reader import TileReader

MARGIN_SECONDS: Final = 240.0
"""With less left a run looks at no further account, and seals what it has. It is more than finishing a seal takes: the
runs of a backlog end before the last fifth of the function's time, in which the alarm on near time-outs goes off."""

_ATTEMPTS: Final = 5


class Lake(Protocol):
    """What the lake holds to be sealed."""

    def sealable(
        self, *, from_dt: str, from_account: str, through: str, time_left: Callable[[], float]
    ) -> tuple[Iterator[SealableRow], Iterator[Restore]]:
        """What arrived from a day on and was recorded up to a moment, as `deciding.decide` takes it; of the accounts
        from one on, in the order of their ids.

        The restores are read after the rows were found: so no row is of a restore that is not among them.
        Raises QueryError.
        """
        ...


class SealerOptions(Struct, frozen=True):
    """What a sealer goes by. See SealerSettings."""

    origin_prefix: str
    lookback_days: int
    hole_minutes: int
    seal_leaves: int = SEAL_LEAVES


class _OvertakenError(Exception):
    """Another sealer decided the seal meanwhile."""


class _Run(NamedTuple):
    """What a run looks for: what was recorded up to `through`. It began at `now`."""

    through: datetime
    now: datetime
    time_left: Callable[[], float]

    def has_time(self) -> bool:
        """Whether there is time for more than the seal at hand."""
        return self.time_left() >= MARGIN_SECONDS


class _Window(NamedTuple):
    """What a run looks at in the lake. `kept_dt` is what the runs before, which did not come to its end, leave to the
    run after it; empty if there was none."""

    from_dt: str
    from_account: str = ""
    kept_dt: str = ""


class _Batch(NamedTuple):
    """Leaves for one seal, a line each, up to some of `account`. The last one may have none."""

    lines: bytes
    leaves: int
    account: str
    last: bool


class Sealer:
    """Makes the log grow. Methods raise LogUnavailableError, QueryError, and LogConflictError: somebody has to look."""

    def __init__(
        self,
        *,
        store: LogStore,
        index: LogIndex,
        signer: Signer,
        announcer: Announcer,
        lake: Lake,
        options: SealerOptions,
        executor: Executor,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """`executor` writes tiles, several at once."""
        self._store = store
        self._index = index
        self._signer = signer
        self._lake = lake
        self._options = options
        self._clock = clock
        self._finisher = Finisher(store, index, signer, announcer, executor)

    def run(self, *, through: datetime | None = None, time_left: Callable[[], float]) -> Sealed:
        """Seal what was recorded up to a moment, or up to now. `time_left` counts the seconds that the run has."""
        now = self._clock()
        run = _Run(through or now, now, time_left)
        decided: list[SealHeader] = []
        for _ in range(_ATTEMPTS):
            before = self._finish_decided()
            try:
                return self._decide(run, before, decided)
            except _OvertakenError:
                continue
        raise LogUnavailableError(f"other sealers decided a seal before this one {_ATTEMPTS} times")

    def rebuild_index(self) -> None:
        """Forget the index, and make it again from the seals: once more, if another sealer was at work meanwhile."""
        self._index.clear()
        reader = TileReader(self._store)
        for number in count():
            seal = self._finisher.seal(number)
            if seal is None or self._store.get(checkpoint_name(number + 1)) is None:
                break  # what comes after a seal is decided when all of the seal is done
            apply_seal(seal, self._index, reader)
            self._index.advance(Progress(number, seal.header.size))
        self._finish_decided()

    def _finish_decided(self) -> Finished | None:
        """Finish all seals that are decided. The newest, or None if there is none."""
        before = self._finisher.newest()
        while seal := self._finisher.seal(before.header.seal + 1 if before else 0):
            before = self._finisher.finish(seal, before)
        return before

    def _decide(self, run: _Run, before: Finished | None, decided: list[SealHeader]) -> Sealed:
        """Decide and finish seals of what the lake holds. After the rest of a window that a run before has left comes
        the next window: else what arrives for the accounts that it has looked at would wait until the rest has leaves.

        Raises _OvertakenError.
        """
        window = _window_after(before)
        while True:
            findings = Findings(format_timestamp(run.now - timedelta(minutes=self._options.hole_minutes)))
            before = self._look_through(run, window, before, decided, findings)
            is_rest = bool(window.from_account)
            if findings.next_account or not is_rest or not run.has_time():
                complete = not findings.next_account and not is_rest
                return self._outcome(before, decided, findings, complete=complete)
            window = _Window(self._next_from_dt(run, findings, window))

    def _look_through(
        self, run: _Run, window: _Window, before: Finished | None, decided: list[SealHeader], findings: Findings
    ) -> Finished:
        """Decide and finish seals of what a window holds. If time ends before it does, the findings say where."""
        rows, restores = self._lake.sealable(
            from_dt=window.from_dt,
            from_account=window.from_account,
            through=format_timestamp(run.through),
            time_left=run.time_left,
        )
        standing = LogStanding(self._index, TileReader(self._store), _progress(before))
        leaves = decide(rows, restores, standing, findings, goes_on=run.has_time)
        batches = _batches(leaves, self._options.seal_leaves)
        while True:
            with self._alone(before):
                batch = next(batches)
            ends = findings.next_account if batch.last else batch.account
            if batch.leaves or before is None:
                following = (window.from_dt, self._next_from_dt(run, findings, window), ends)
                before = self._seal(batch, before, following)
                decided.append(before.header)
            if batch.last:
                return before
            if not run.has_time():
                findings.next_account = ends
                return before

    @contextmanager
    def _alone(self, before: Finished | None) -> Iterator[None]:
        """What does not fit together may do so because another sealer went on meanwhile: then it is no conflict."""
        try:
            yield
        except LogConflictError:
            if self._finisher.seal(before.header.seal + 1 if before else 0):
                raise _OvertakenError from None
            raise

    def _next_from_dt(self, run: _Run, findings: Findings, window: _Window) -> str:
        """From which day of arrival on one has to look after this window: for late events, and for all that waits."""
        late = (min(run.through, run.now) - timedelta(days=self._options.lookback_days)).date().isoformat()
        return max(window.from_dt, min(late, findings.oldest_dt or late, window.kept_dt or late))

    def _seal(self, batch: _Batch, before: Finished | None, following: tuple[str, str, str]) -> Finished:
        """Decide a seal, and finish it. Raises _OvertakenError."""
        if before:
            number, size, origin = before.header.seal + 1, before.header.size, before.header.origin
        else:
            number, size, origin = 0, 0, f"{self._options.origin_prefix}/{secrets.token_hex(8)}"
        if self._index.progress() != _progress(before):
            raise _OvertakenError
        header = SealHeader(number, size, batch.leaves, origin, format_timestamp(self._clock()), *following)
        content = encode_seal(header, batch.lines)
        if not self._store.add(seal_name(number), content, SEAL_TYPE):
            found = self._store.get(seal_name(number))
            if found is None or found.content != content:  # else it was an answer to ours that got lost
                raise _OvertakenError
        return self._finisher.finish(Seal(content), before)

    def _outcome(self, log: Finished, decided: list[SealHeader], findings: Findings, *, complete: bool) -> Sealed:
        if (findings.hole_count or findings.fork_count) and self._finisher.seal(log.header.seal + 1):
            raise _OvertakenError  # what was found may be what another sealer did
        return Sealed(
            seals=tuple(each.seal for each in decided),
            leaves=sum(each.leaves for each in decided),
            size=log.header.size,
            root=b64encode(checkpoint.of_note(log.checkpoint).root).decode(),
            checkpoint=log.checkpoint.decode(),
            vkey=note.vkey(log.header.origin, self._signer.public_key()),
            holes=tuple(findings.holes),
            hole_count=findings.hole_count,
            overdue_count=findings.overdue_count,
            forks=tuple(findings.forks),
            fork_count=findings.fork_count,
            complete=complete,
        )


def _progress(before: Finished | None) -> Progress | None:
    return Progress(before.header.seal, before.header.size) if before else None


def _window_after(before: Finished | None) -> _Window:
    """The window that the newest seal leaves, or the rest of its own."""
    if before is None:
        return _Window(BEGINNING)
    header = before.header
    if header.next_account:
        return _Window(header.from_dt, header.next_account, header.next_from_dt)
    return _Window(header.next_from_dt)


def _batches(leaves: Iterable[Leaf], most: int) -> Iterator[_Batch]:
    """The leaves as texts, so many at a time, and at last what is left of them."""
    lines = bytearray()
    found, account = 0, ""
    for leaf in leaves:
        if found == most:
            yield _Batch(bytes(lines), found, account, last=False)
            lines.clear()
            found = 0
        lines += encode_leaf(leaf) + b"\n"
        found, account = found + 1, leaf.account_id
    yield _Batch(bytes(lines), found, account, last=True)
