"""What is to be proved, and where the file goes."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from cli.environments.place import Place


class Asked(NamedTuple):
    """An account of an environment, and the file that was named."""

    place: Place
    account_id: str
    out: Path | None

    def file(self, version: int, suffix: str) -> Path:
        """The file to write: the one that was named, or one in this folder."""
        return self.out or Path(f"{self.account_id}-{version}{suffix}")
