"""The transparency log: recomputed from its seals, and as a side of the comparison with the event table.

Everything in the log follows from its seals. So tiles, bundles and roots are made of them anew, in flat memory, and
compared with what stands there; the signature of each checkpoint is verified. Reading goes on beside the sealer: what
is compared ends at the checkpoint that was the newest one when the verification began.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from msgspec import Struct, field

from lambdas.eventsourcing.timestamps import format_timestamp, parse_timestamp
from lambdas.transparency import checkpoint, note
from lambdas.transparency.checkpoint import Checkpoint
from lambdas.transparency.errors import LogConflictError, MalformedError, ProofError
from lambdas.transparency.index import LogIndex
from lambdas.transparency.leaves import RestoredLeaf, RowLeaf
from lambdas.transparency.log_store import CHECKPOINT, CHECKPOINTS, SEALS, LogStore
from lambdas.transparency.seal import BEGINNING, Seal, SealHeader, checkpoint_name, seal_name
from lambdas.transparency.tree import Frontier, TileWrite
from lambdas.verification.drilling import Texts, Words
from lambdas.verification.findings import Finding, Findings
from lambdas.verification.object_checks import ObjectChecks
from lambdas.verification.results import LogReport, LogTerms
from lambdas.verification.row_digests import leaf_text
from lambdas.verification.sums import MODULUS, Sums, bucket_of, number_of

EXPECTED_AFTER: Final = timedelta(days=1)
"""What was recorded so long before a seal was decided must be in the log by then (and `beginning.SEALED_WITHIN`)."""

WORDS: Final = Words(
    kind="log",
    missing="is not in the log, though later versions are",
    unknown="is in the log, and not in the event table",
    differs="has another hash in the log than its row",
    several="has several hashes in the log",
    place="the log",
)


class LogSeen(Struct):
    """What the recomputation saw. `restored` is the newest generation whose restore of an account is in the log."""

    report: LogReport
    sums: Sums = field(default_factory=Sums)
    restored: dict[str, int] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)


def terms_of(store: LogStore, index: LogIndex) -> LogTerms | None:
    """Up to where a verification that begins now compares; None if nothing is sealed yet.

    Raises LogUnavailableError, and LogConflictError if the newest checkpoint is missing, is that of no seal, or is
    older than what was done: the sealer notes in the index that a seal is done after it has put the checkpoint.
    """
    progress = index.progress()
    stored = store.get(CHECKPOINT)
    names = list(store.names(CHECKPOINTS))
    if stored is None:
        if progress is not None or len(names) > 1 or len(list(store.names(SEALS))) > 1:
            raise LogConflictError("the newest checkpoint is missing")
        return None
    try:
        size = checkpoint.of_note(stored.content).size
    except MalformedError as error:
        raise LogConflictError(f"{CHECKPOINT}: {error}") from error
    terms = _terms(store, names, size)
    if progress is not None and progress.seal > terms.seal:
        raise LogConflictError(f"the newest checkpoint is that of seal {terms.seal}, and seal {progress.seal} is done")
    return terms


def _terms(store: LogStore, names: Sequence[str], size: int) -> LogTerms:
    """Of the seal after which the log had this size; every seal but the first has leaves."""
    ends = "there is no seal"
    for name in reversed(names):
        header = _seal(store, _number_of(name)).header
        if header.size == size:
            return LogTerms(header.seal, size, _expected_before(header))
        ends = f"{seal_name(_number_of(name))} ends at {header.size:,}"
        if header.size < size:
            break
    raise LogConflictError(f"the newest checkpoint is of {size:,} entries, and {ends}")


def _number_of(name: str) -> int:
    number = name.removeprefix(CHECKPOINTS)
    if not number.isdecimal():
        raise LogConflictError(f"{name} is no checkpoint of a seal")
    return int(number)


def _expected_before(header: SealHeader) -> str:
    try:
        return format_timestamp(parse_timestamp(header.decided_at) - EXPECTED_AFTER)
    except ValueError as error:
        raise LogConflictError(f"{seal_name(header.seal)} was decided at {header.decided_at!r}: no moment") from error


def _seal(store: LogStore, number: int) -> Seal:
    """Raises LogConflictError, LogUnavailableError."""
    stored = store.get(seal_name(number))
    if stored is None:
        raise LogConflictError(f"{seal_name(number)} is missing")
    try:
        return Seal(stored.content)
    except MalformedError as error:
        raise LogConflictError(f"{seal_name(number)}: {error}") from error


class Log:
    """The log up to a checkpoint. `public_key` is that of its signer, `verify` checks a signature under it.

    All methods raise LogUnavailableError, and LogConflictError if the log cannot be read any further.
    """

    def __init__(self, store: LogStore, terms: LogTerms, salt: str, *, public_key: bytes, verify: note.Verify) -> None:
        self._store = store
        self._terms = terms
        self._salt = salt
        self._public_key = public_key
        self._verify = verify

    def recompute(self, told: Callable[[int], None] = lambda _: None, findings: Findings | None = None) -> LogSeen:
        """Go through all seals; `told` hears of the leaves of each. What is found goes into `findings`, if they are
        given: so it is known although the log cannot be read to its end."""
        seen = LogSeen(LogReport(self._terms.seal, self._terms.size, "", ""))
        seen.findings = seen.findings if findings is None else findings
        checks = ObjectChecks(seen.findings)
        try:
            seen.report = self._recomputed(seen, checks, told)
        finally:
            checks.carry_out()
        self._check_newest(seen.findings)
        if seen.restored:
            self._leave_out_revoked(seen.sums)
        return seen

    def _recomputed(self, seen: LogSeen, checks: ObjectChecks, told: Callable[[int], None]) -> LogReport:
        frontier, origin, from_dt = Frontier(), "", BEGINNING
        compared: set[str] = set()
        for number in range(self._terms.seal + 1):
            seal = self._next(number, frontier.size, origin, from_dt)
            origin, from_dt = seal.header.origin, seal.header.next_from_dt
            self._add_up(seal, seen)
            for write in frontier.append(seal.entries()):
                checks.add(partial(self._compare, write))
            partials = list(frontier.partials())
            for write in partials:
                if write.name not in compared:  # those of high levels are the same for many seals
                    checks.add(partial(self._compare, write))
            compared = {write.name for write in partials}
            after = Checkpoint(origin, frontier.size, frontier.root())
            checks.add(partial(self._check_checkpoint, checkpoint_name(number), after))
            told(seal.header.leaves)
        return LogReport(self._terms.seal, frontier.size, frontier.root().hex(), self._vkey(origin))

    def _add_up(self, seal: Seal, seen: LogSeen) -> None:
        for _, leaf in self._decoded(seal):
            if isinstance(leaf, RestoredLeaf):
                seen.restored[leaf.account_id] = max(leaf.generation, seen.restored.get(leaf.account_id, 0))
            else:
                text = leaf_text(leaf.account_id, leaf.version, leaf.hash)
                seen.sums.add(leaf.account_id, number_of(self._salt, text))

    def _next(self, number: int, size: int, origin: str, from_dt: str) -> Seal:
        seal = _seal(self._store, number)
        found = seal.header
        expected = number, size, origin or found.origin, from_dt
        if (found.seal, found.first_leaf, found.origin, found.from_dt) != expected:
            raise LogConflictError(f"{seal_name(number)} does not follow from the seals before it")
        return seal

    def _decoded(self, seal: Seal) -> Iterator[tuple[int, RowLeaf | RestoredLeaf]]:
        try:
            yield from seal.leaves()
        except MalformedError as error:
            raise LogConflictError(f"{seal_name(seal.header.seal)}: {error}") from error

    def _compare(self, write: TileWrite) -> Finding | None:
        """A partial tile may have been deleted, if the full one that begins with it is there."""
        stored = self._store.get(write.name)
        content = None if stored is None else stored.content
        full_name, partly, _ = write.name.partition(".p/")
        if content is None and partly:
            full = self._store.get(full_name)
            content = None if full is None else full.content[: len(write.content)]
        if content is None:
            return Finding("log", write.name, 0, "is missing")
        if content != write.content:
            return Finding("log", write.name, 0, "is not what follows from the seals")
        return None

    def _check_checkpoint(self, name: str, expected: Checkpoint) -> Finding | None:
        stored = self._store.get(name)
        if stored is None:
            return Finding("log", name, 0, "is missing")
        try:
            key = note.parse_vkey(note.vkey(expected.origin, self._public_key))
            signed = checkpoint.open_checkpoint(stored.content, key, self._verify)
        except (MalformedError, ProofError) as error:
            return Finding("log", name, 0, f"is not signed by the log's key: {error}")
        if (signed.size, signed.root) != (expected.size, expected.root):
            return Finding("log", name, 0, "has another size or root than the seals up to it")
        return None

    def _vkey(self, origin: str) -> str:
        """Empty if no key can have the name: its checkpoints are findings then."""
        try:
            return note.vkey(origin, self._public_key)
        except MalformedError:
            return ""

    def _check_newest(self, findings: Findings) -> None:
        """The object `checkpoint` is that of the newest seal that is done, which may be a later one by now."""
        newest = self._store.get(CHECKPOINT)
        if newest is None:
            findings.tell(Finding("log", CHECKPOINT, 0, "is missing"))
            return
        before = checkpoint_name(self._terms.seal - 1) if self._terms.seal else ""
        known = (self._store.get(name) for name in self._store.names(CHECKPOINTS, after=before))
        if not any(each is not None and each.content == newest.content for each in known):
            findings.tell(Finding("log", CHECKPOINT, 0, "is none of the checkpoints after seals"))

    def _leave_out_revoked(self, sums: Sums) -> None:
        """From the newest leaf back: what a restore revoked stands before its leaf and beyond its last good version."""
        for leaf, stands in self._backwards():
            if not stands:
                text = leaf_text(leaf.account_id, leaf.version, leaf.hash)
                sums.subtract(leaf.account_id, number_of(self._salt, text))

    def _backwards(self) -> Iterator[tuple[RowLeaf, bool]]:
        """All leaves of rows, the newest first, and whether they stand."""
        limits: dict[str, int] = {}
        for number in range(self._terms.seal, -1, -1):
            for _, leaf in reversed(list(self._decoded(_seal(self._store, number)))):
                if isinstance(leaf, RowLeaf):
                    limit = limits.get(leaf.account_id)
                    yield leaf, limit is None or leaf.version <= limit
                else:
                    good = leaf.last_good_version
                    limits[leaf.account_id] = min(good, limits.get(leaf.account_id, good))

    def accounts(self, buckets: frozenset[int]) -> Mapping[str, int]:
        """See Side.accounts."""
        found: dict[str, int] = defaultdict(int)
        for leaf, stands in self._backwards():
            if stands and bucket_of(leaf.account_id) in buckets:
                text = leaf_text(leaf.account_id, leaf.version, leaf.hash)
                found[leaf.account_id] = (found[leaf.account_id] + number_of(self._salt, text)) % MODULUS
        return found

    def events(self, account_ids: Sequence[str]) -> Texts:
        """See Side.events."""
        wanted = set(account_ids)
        found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for leaf, stands in self._backwards():
            if stands and leaf.account_id in wanted:
                text = leaf_text(leaf.account_id, leaf.version, leaf.hash)
                found[leaf.account_id][leaf.version].append(text)
        return found
