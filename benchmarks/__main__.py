"""`python -m benchmarks`: everything that has a budget, and some numbers beside it."""

import sys
from pathlib import Path

from benchmarks import commands, emulator, hot_account, imports, in_process, lake, publisher, round_trips
from benchmarks.program import main

RESULT = Path(__file__).resolve().parents[1] / ".local" / "benchmark.json"
PARTS = (round_trips, in_process, hot_account, publisher, lake, imports, commands, emulator)

if __name__ == "__main__":
    sys.exit(main(PARTS, RESULT))
