"""`python -m local.costs`: counts what the templates of the cloud environments cost, and writes it into README.md."""

import sys

from local.costs.page import written
from local.costs.prices import read_prices
from local.costs.templates import templates
from local.machine.exits import exit_status
from local.machine.layout import REPOSITORY
from local.machine.progress import Progress
from stacks.environment import CLOUD_NAMES

README = REPOSITORY / "README.md"


def write(progress: Progress) -> None:
    """Synthesize every environment and write the tables. Raises UnpricedError and PageError."""
    found = {}
    for name in CLOUD_NAMES:
        with progress.step(f"Synthesizing the environment {name}"):
            found[name] = templates(name)
    README.write_text(written(README.read_text(encoding="utf-8"), found, read_prices()), encoding="utf-8")
    progress.say("README.md has the tables, under Costs.")


if __name__ == "__main__":
    sys.exit(exit_status(lambda: write(Progress()), when_interrupted="README.md was not changed."))
