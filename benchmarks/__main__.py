"""`python -m benchmarks`: everything that has a budget, and some numbers beside it."""

import argparse
import sys
from pathlib import Path

from benchmarks import (
    commands,
    emulator,
    hot_account,
    imports,
    in_process,
    lake,
    projections,
    proof_checker,
    publisher,
    read_models,
    rebuilds,
    round_trips,
    sealing,
    verification,
    warm_request,
)
from benchmarks.program import main

RESULT = Path(__file__).resolve().parents[1] / ".local" / "benchmark.json"
PARTS = (
    round_trips, in_process, warm_request, hot_account, publisher, projections, rebuilds, verification, lake, imports,
    sealing, proof_checker, commands, read_models, emulator,
)  # fmt: skip

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, beside the design's budgets.")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON, and the table to standard error")
    sys.exit(main(PARTS, RESULT, as_json=parser.parse_args().json))
