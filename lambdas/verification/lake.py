"""The lake: its sums, and where they differ from the event table its events, by queries in `analytics/queries`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from analytics import catalog
from lambdas.athena.queries import Row
from lambdas.contracts.contents import digest_text
from lambdas.contracts.domain_events import NotPublishableError, domain_event
from lambdas.eventsourcing.rows import EventRow
from lambdas.verification.account_check import rows_of
from lambdas.verification.drilling import Texts, Words
from lambdas.verification.findings import Finding, Findings
from lambdas.verification.results import Terms
from lambdas.verification.sums import Sums
from lambdas.verification.walking import Tables

Ask: TypeAlias = Callable[[str], Sequence[Row]]
"""Runs a statement on the lake. Raises QueryError."""

WORDS: Final = Words(
    kind="lake",
    missing="is not in the lake",
    unknown="is in the lake, and not in the event table",
    differs="is told otherwise in the lake than its row is published",
    several="has several contents in the lake",
    place="the lake",
)


class Lake:
    """The lake as a side of the comparison. All methods raise QueryError."""

    def __init__(self, ask: Ask, terms: Terms) -> None:
        self._ask = ask
        self._settled = {"settled": terms.settled}
        self._salted = {**self._settled, "salt": terms.salt}
        self._latest = terms.latest

    def sums(self) -> Sums:
        """Of all that was booked before the moment of the terms."""
        found = Sums()
        for row in self._query("event_buckets", **self._salted):
            bucket, events, total = (int(row[name] or 0) for name in ("bucket", "events", "total"))
            found.events += events
            found.buckets[bucket] = total
        return found

    def accounts(self, buckets: frozenset[int]) -> Mapping[str, int]:
        """See Side.accounts."""
        rows = self._query("bucket_accounts", **self._salted, buckets=_listed(map(str, sorted(buckets))))
        return {str(row["account_id"]): int(row["total"] or 0) for row in rows}

    def events(self, account_ids: Sequence[str]) -> Texts:
        """See Side.events."""
        found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for row in self._query("account_contents", **self._settled, accounts=_listed(account_ids)):
            found[str(row["account_id"])][int(row["version"] or 0)].append(str(row["digest"]))
        return found

    def uncompared(self, tables: Tables) -> Findings:
        """Rows that no comparison sees, but for those that the event table holds as they are. What is booked at the
        latest moment or later is among them: no comparison of contents sees it yet.

        Raises ReadUnavailableError.
        """
        findings = Findings()
        for row in self._query("uncompared_events", latest=self._latest):
            account_id, version, name = row["account_id"], row["version"], row["id"]
            if account_id is None or version is None:
                findings.tell(Finding("lake", name or "?", 0, "is in the lake without an account or a version"))
            elif (row["digest"] or "") not in _digest(tables, account_id, int(version)):
                text = "is in the lake with a booking time that its row does not have"
                findings.tell(Finding("lake", account_id, int(version), text))
        return findings

    def _query(self, name: str, **values: object) -> Sequence[Row]:
        return self._ask(catalog.query(name).fill(values))


def _listed(texts: Iterable[str]) -> str:
    return f",{','.join(texts)},"


def _digest(tables: Tables, account_id: str, version: int) -> Iterator[str]:
    for row in rows_of(tables.store, account_id, new_deadline=tables.new_deadline, backoff=tables.backoff):
        if isinstance(row, EventRow) and row.version == version:
            try:
                yield digest_text(domain_event(row))
            except NotPublishableError:
                return
