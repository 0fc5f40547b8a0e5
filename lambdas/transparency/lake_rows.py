"""What is to be sealed, from the lake: rows of named queries, read from Athena's result files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from analytics import catalog
from lambdas.athena.errors import AthenaUnavailableError
from lambdas.athena.queries import Athena, Row
from lambdas.athena.result_file import ResultFiles
from lambdas.eventsourcing.timestamps import format_timestamp
from lambdas.transparency.deciding import Restore, SealableRow


class LakeRows:
    """See sealer.Lake."""

    def __init__(self, athena: Athena, files: ResultFiles) -> None:
        self._athena = athena
        self._files = files

    def sealable(
        self, *, from_dt: str, from_account: str, through: str, time_left: Callable[[], float]
    ) -> tuple[Iterator[SealableRow], Iterator[Restore]]:
        """See sealer.Lake.sealable."""
        values = {"from_dt": from_dt, "from_account": from_account, "through": through}
        events = catalog.query("sealable_events").fill(values)
        rows = self._athena.result_location(events, time_left)
        restores = self._athena.result_location(catalog.query("sealable_restores").fill({}), time_left)
        return (
            (_sealable(row) for row in self._files.rows(rows)),
            (each for each in map(_restore, self._files.rows(restores)) if each.account_id >= from_account),
        )


def _sealable(row: Row) -> SealableRow:
    try:
        return SealableRow(
            account_id=row["account_id"] or "",
            version=int(row["version"] or 0),
            hash=row["rowhash"] or "",
            dt=row["arrived"] or "",
            recorded_at=_moment(row["recorded_at"]),
        )
    except (KeyError, ValueError) as error:
        raise AthenaUnavailableError(f"Athena's result is not that of sealable_events: {error}") from error


def _restore(row: Row) -> Restore:
    try:
        return Restore(
            account_id=row["account_id"] or "",
            generation=int(row["generation"] or 0),
            last_good_version=int(row["last_good_version"] or 0),
            revoked_at=_moment(row["revoked_at"]),
        )
    except (KeyError, ValueError) as error:
        raise AthenaUnavailableError(f"Athena's result is not that of sealable_restores: {error}") from error


def _moment(text: str | None) -> str:
    """`2026-11-22 10:00:00.000`, as Athena writes a timestamp, as RFC 3339."""
    return format_timestamp(datetime.fromisoformat(text or "").replace(tzinfo=UTC))
