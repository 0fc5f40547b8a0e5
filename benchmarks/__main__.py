"""`python -m benchmarks`: everything that has a budget, and some numbers beside it."""

import sys
from pathlib import Path

from benchmarks import commands, emulator, imports, in_process, lake, publisher, round_trips, warm_request
from benchmarks.program import main

RESULT = Path(__file__).resolve().parents[1] / ".local" / "benchmark.json"
PARTS = (round_trips, in_process, warm_request, publisher, lake, imports, commands, emulator)

if __name__ == "__main__":
    sys.exit(main(PARTS, RESULT))
