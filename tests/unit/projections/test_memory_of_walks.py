"""What a rebuild has in memory does not grow with the events, and with accounts neither what comparisons have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
FLAT_BYTES = 12_000_000
"""Between two processes. Events of 180,000 rows in memory would take ten times as much."""

pytestmark = pytest.mark.programs


def most_bytes(what: str, projection: str, accounts: int, events: int) -> int:
    """Of a process that does nothing else."""
    program = [sys.executable, "-m", "tests.support.memory_of_walks", what, projection, str(accounts), str(events)]
    ended = subprocess.run(program, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return int(ended.stdout)


@pytest.mark.parametrize("projection", ["account_summaries", "daily_totals"])
def test_a_rebuild_of_200_000_events_takes_no_more_memory_than_one_of_20_000(projection: str) -> None:
    few = most_bytes("rebuild", projection, 200, 100)
    many = most_bytes("rebuild", projection, 200, 1000)
    assert many - few < FLAT_BYTES, f"{few:,} and {many:,} bytes"


def test_a_comparison_takes_no_more_memory_for_more_events_and_more_accounts() -> None:
    few = most_bytes("compare", "daily_totals", 200, 100)
    many = most_bytes("compare", "daily_totals", 20_000, 10)
    assert many - few < FLAT_BYTES, f"{few:,} and {many:,} bytes"


def test_a_verification_of_everything_takes_no_more_memory_for_more_events_and_more_accounts() -> None:
    few = most_bytes("verify", "daily_totals", 200, 100)
    longer = most_bytes("verify", "daily_totals", 200, 1000)
    more = most_bytes("verify", "daily_totals", 20_000, 10)
    assert max(longer, more) - few < FLAT_BYTES, f"{few:,}, {longer:,} and {more:,} bytes"
