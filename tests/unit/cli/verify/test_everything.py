from __future__ import annotations
import pytest
from tests.support.verified_ledger import A, B, C, VerifiedLedger


def test_a_ledger_whose_parts_agree(ledger: VerifiedLedger, capsys: pytest.CaptureFixture[str]) -> None:
    status = ledger.verify()
    out = capsys.readouterr()
    print(out.out, out.err)
    assert status == 0
