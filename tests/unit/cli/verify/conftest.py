"""A whole ledger, all of whose parts agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.verified_ledger import VerifiedLedger, verified_ledger


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[VerifiedLedger]:
    """Three accounts with some of everything, published, folded and sealed."""
    with verified_ledger(monkeypatch, tmp_path) as found:
        found.trade()
        found.settle()
        yield found
