"""The worked example's proof: events are sealed, one is proved, and a program of one file checks the proof."""

import subprocess
import sys
from pathlib import Path
from textwrap import wrap
from typing import Final

from rich.console import Console

from cli.aws import AWS
from cli.connections import Connections
from cli.environments.place import Place
from cli.errors import CommandError
from lambdas.eventsourcing.timestamps import format_timestamp, utc_now
from lambdas.transparency.errors import TransparencyError
from lambdas.transparency.proving import Prover
from local.example.tables import print_lines, print_title
from local.machine.errors import ExampleFailedError
from local.machine.layout import REPOSITORY
from local.machine.progress import Progress

CHECKER: Final = "tools/verify_proof.py"
KEY: Final = "log.vkey"
YES, NO = 0, 1
"""Exit statuses of the checker."""

_WIDTH: Final = 76
_SECONDS: Final = 60.0


def show(
    place: Place,
    account_id: str,
    version: int,
    folder: Path,
    progress: Progress,
    console: Console,
    *,
    connections: Connections | None = None,
) -> None:
    """Seal what is in the lake, prove one event, and have the proof checked, as it is and with one byte edited.

    The files go to `folder`. Raises ExampleFailedError.
    """
    connections = connections or AWS()
    console.print()
    with progress.step("Sealing the events in the transparency log"):
        try:
            sealed = connections.sealer(place)({"through": format_timestamp(utc_now())})
            log = connections.transparency_log(place)
            proof = Prover(log.store, log.index).proof(account_id, version).encode()
        except (CommandError, TransparencyError) as error:
            raise ExampleFailedError(f"The events could not be sealed and proved. {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    (folder / KEY).write_text(f"{sealed.vkey}\n", encoding="utf-8")
    whole, edited = folder / f"{account_id[:8]}-{version}.tlog-proof", folder / f"{account_id[:8]}-{version}.edited"
    whole.write_bytes(proof)
    edited.write_bytes(_edited(proof))
    print_title(console, "Proof: daybook seal --through now")
    print_lines(
        console,
        f"The log has {sealed.size:,} entries, one for each event: account, version and the row's",
        "hash. This is its signed checkpoint; who keeps it sees any change before it.",
        *map(_shortened, ["", *sealed.checkpoint.strip().split("\n")]),
    )
    print_title(console, f"One event's proof: daybook prove {account_id} {version}")
    print_lines(console, *map(_shortened, proof.decode().split("\n\n")[0].split("\n")))
    print_title(console, "Anybody checks it offline, with Python alone; then with one byte edited")
    for file, expected in ((whole, YES), (edited, NO)):
        _check(file, folder / KEY, expected, console)


def _edited(proof: bytes) -> bytes:
    """The proof with one byte changed, in its last hash."""
    at = proof.index(b"\n\n") - 10
    return proof[:at] + (b"A" if proof[at : at + 1] != b"A" else b"B") + proof[at + 1 :]


def _check(file: Path, key: Path, expected: int, console: Console) -> None:
    """Run the checker, and print its answer. Raises ExampleFailedError if it is not the one expected."""
    ended = subprocess.run(
        [sys.executable, str(REPOSITORY / CHECKER), "proof", str(file), "--key", str(key)],
        capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip
    if ended.returncode != expected:
        raise ExampleFailedError(
            f"{CHECKER} was to answer {expected} and answered {ended.returncode}.", detail=ended.stdout + ended.stderr
        )
    print_lines(console, f"python3 {CHECKER} proof {file.name} --key {key.name}")
    print_lines(console, *(line for said in ended.stdout.splitlines() for line in wrap(said, _WIDTH)), "")


def _shortened(line: str) -> str:
    """At most a line of the terminal."""
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."
