"""Seals a long lake into a log on disk, and prints what that took: seconds, objects and bytes, and memory at most.

`python -m tests.support.memory_of_sealing ACCOUNTS EVENTS_OF_EACH FOLDER`
"""

from __future__ import annotations

import json
import resource
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from lambdas.transparency.deciding import Restore, SealableRow
from lambdas.transparency.log_store import Stored
from lambdas.transparency.memory import MemoryAnnouncer, MemoryLogIndex
from lambdas.transparency.sealer import Sealer, SealerOptions
from tests.support.log_signer import SeededSigner


class FolderLogStore:
    """See LogStore. For one process: it does not see to races."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> Stored | None:
        """See LogStore.get."""
        path = self._folder / name
        if not path.is_file():
            return None
        content = path.read_bytes()
        return Stored(content, sha256(content).hexdigest())

    def add(self, name: str, content: bytes, content_type: str) -> bool:
        """See LogStore.add."""
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            return False
        path.write_bytes(content)
        return True

    def replace(self, name: str, content: bytes, content_type: str, *, tag: str) -> bool:
        """See LogStore.replace."""
        found = self.get(name)
        if (found.tag if found else "") != tag:
            return False
        (self._folder / name).write_bytes(content)
        return True

    def names(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """See LogStore.names."""
        paths = (path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*") if path.is_file())
        return iter(sorted(name for name in paths if name.startswith(prefix) and name > after))


class LongLake:
    """So many accounts with so many events each, made as they are asked for."""

    def __init__(self, accounts: int, events: int) -> None:
        self._accounts = accounts
        self._events = events

    def sealable(
        self, *, from_dt: str, from_account: str, through: str, time_left: Callable[[], float]
    ) -> tuple[Iterator[SealableRow], Iterator[Restore]]:
        """See sealer.Lake.sealable."""
        return self._rows(), iter(())

    def _rows(self) -> Iterator[SealableRow]:
        for account in range(self._accounts):
            name = f"00000000-0000-4000-8000-{account:012}"
            for version in range(1, self._events + 1):
                text = b64encode(sha256(f"{name}/{version}".encode()).digest()).decode()
                yield SealableRow(name, version, text, "2026-03-01", "2026-03-01T09:00:00.000Z")


def main() -> None:
    """Seal once, and say what it took."""
    accounts, events, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    with ThreadPoolExecutor(8) as executor:
        sealer = Sealer(
            store=FolderLogStore(folder), index=MemoryLogIndex(), signer=SeededSigner(), announcer=MemoryAnnouncer(),
            lake=LongLake(accounts, events), options=SealerOptions("log", lookback_days=1, hole_minutes=60),
            executor=executor,
        )  # fmt: skip
        begun, cpu_begun = time.perf_counter(), time.process_time()
        found = sealer.run(time_left=lambda: 900.0)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = kilobytes * (1 if sys.platform == "darwin" else 1024)
    said = {
        "leaves": found.leaves,
        "seals": len(found.seals),
        "seconds": round(seconds, 1),
        "cpu": cpu,
        "objects": len(sizes),
        "bytes": sum(sizes),
        "memory": memory,
    }
    sys.stdout.write(f"{json.dumps(said)}\n")


if __name__ == "__main__":
    main()
