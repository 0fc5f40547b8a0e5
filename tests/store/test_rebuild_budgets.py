"""What a rebuild takes, counted by the sizes of items, and what is said of it before it starts."""

from __future__ import annotations

from collections import Counter

import pytest

from lambdas.eventsourcing.retry import Deadline
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.control import Control
from lambdas.projections.daily_totals import DAILY_TOTALS
from lambdas.projections.estimate import Estimate, estimate
from lambdas.projections.folding.folder import AccountFolder
from lambdas.projections.projection import AnyProjection
from lambdas.projections.rebuild import Rebuild, SettleStep, WalkStep
from tests.support.long_history import LongHistory
from tests.support.metering import Usage
from tests.support.read_model_metering import ReadModelMeter
from tests.support.read_models import fake_ports
from tests.support.rebuilding import AT

ACCOUNTS, EVENTS = 100, 100
ROWS = ACCOUNTS * EVENTS
PAGES = ROWS // 500
ROW_BYTES = 470

each_projection = pytest.mark.parametrize("projection", [ACCOUNT_SUMMARIES, DAILY_TOTALS], ids=lambda each: each.name)


def usage_of(projection: AnyProjection, history: LongHistory) -> tuple[Usage, float]:
    """Of the read model's table, and what the rebuild says of reading both tables."""
    meter = ReadModelMeter(fake_ports(projection).client)
    ports = fake_ports(projection).on(meter)
    ports.control.change(Control(), Control().started("first", segments=1, at=AT))
    folder = AccountFolder(projection, ports.rows, history, remembered_rows=1000)
    rebuild = Rebuild(history, folder, ports.rows, ports.control, ports.segments)
    with meter.measure() as usage:
        walked = rebuild.walk(WalkStep(1, "first", 0, 1), Deadline(600), Deadline(600))
        assert rebuild.settle(SettleStep(1, "first"), Deadline(600), Deadline(600)).done
    assert (walked.done, walked.folded) == (True, ROWS)
    return usage, walked.units.read


def test_one_row_accounts_take_a_read_and_a_write_each_and_a_page_its_progress() -> None:
    usage, _ = usage_of(ACCOUNT_SUMMARIES, LongHistory(ACCOUNTS, EVENTS))
    operations = Counter(usage.operations)
    assert operations["PutItem"] == ACCOUNTS + 2, "the accounts, and the control row twice"
    assert operations["TransactWriteItems"] == PAGES
    listed = ACCOUNTS
    assert usage.write_units == ACCOUNTS + listed + 2 + 4 * PAGES
    assert operations["GetItem"] == ACCOUNTS + 5, "the accounts, the control row and the segment"
    assert operations["Query"] == 3, "the restores, the segments and the deferred accounts"


def test_totals_take_a_transaction_of_an_account_in_a_page() -> None:
    """Two units for the gate and two for each shared row of the page's days, of which these events have one."""
    usage, _ = usage_of(DAILY_TOTALS, LongHistory(ACCOUNTS, EVENTS))
    assert Counter(usage.operations)["TransactWriteItems"] == ACCOUNTS + PAGES
    assert usage.write_units == 4 * ACCOUNTS + 2 + 4 * PAGES


@each_projection
@pytest.mark.parametrize("page_rows", [500, 37])
def test_the_estimate_is_not_exceeded_and_not_far_off(projection: AnyProjection, page_rows: int) -> None:
    usage, _ = usage_of(projection, LongHistory(ACCOUNTS, EVENTS, page_rows=page_rows))
    walked = -(-ROWS * ROW_BYTES // 4096)
    most = estimate(projection, rows=ROWS, table_bytes=ROWS * ROW_BYTES, segments=1)
    assert usage.write_units <= most.write_units
    assert usage.read_units + walked <= most.read_units
    if page_rows == 500 and projection is ACCOUNT_SUMMARIES:
        near = estimate(projection, rows=ROWS, table_bytes=ROWS * ROW_BYTES, segments=1, accounts=ACCOUNTS)
        assert usage.write_units <= near.write_units <= 2.5 * usage.write_units
        assert usage.read_units + walked <= near.read_units <= 1.5 * (usage.read_units + walked)


def test_estimates_are_plain_sums() -> None:
    """A million events in 600 MB: 2,000 pages and one segment's end."""
    million = {"rows": 1_000_000, "table_bytes": 600_000_000, "segments": 1}
    scanned, pages = 146_485, 2_001
    assert estimate(ACCOUNT_SUMMARIES, **million) == Estimate(
        1_000_000, 600_000_000, scanned + pages + 1_000_000, 1_000_000 + 2_000_000 + 4 * pages
    )
    assert estimate(ACCOUNT_SUMMARIES, **million, accounts=10_000) == Estimate(
        1_000_000, 600_000_000, scanned + pages + 12_001, 12_001 + 2 * 20_000 + 4 * pages
    )
    assert estimate(DAILY_TOTALS, **million) == Estimate(
        1_000_000, 600_000_000, scanned + pages + 1_000_000, 2_000_000 + 2_000_000 + 4 * pages
    )


def test_an_empty_table_takes_next_to_nothing() -> None:
    nothing = estimate(DAILY_TOTALS, rows=0, table_bytes=0, segments=4)
    assert (nothing.read_units, nothing.write_units) == (4, 16)


def test_large_rows_are_counted_by_their_bytes() -> None:
    """A page ends at 1 MB."""
    large = estimate(DAILY_TOTALS, rows=100, table_bytes=40_000_000, segments=1)
    small = estimate(DAILY_TOTALS, rows=100, table_bytes=50_000, segments=1)
    assert large.read_units - small.read_units == 9_766 - 13 + 39 - 1
