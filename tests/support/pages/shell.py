"""One bash that runs the blocks of a page, one after another: variables and functions stay."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

SECONDS: Final = 60.0

_ON_FAILURE: Final = """trap 'printf "%s %s\\n" "$?" "$BASH_COMMAND" >>"$_daybook_failed"' ERR"""


class ShellEndedError(Exception):
    """The shell is gone, so that the blocks behind cannot be run. The message says why, `shown` what was shown."""

    def __init__(self, sentence: str, shown: str) -> None:
        super().__init__(sentence)
        self.shown = shown


@dataclass(frozen=True)
class Ran:
    """What a block did. `exit_status` is that of the first command that failed, and `failed` names it."""

    exit_status: int
    output: str
    errors: str
    failed: str


class Shell:
    """A bash in a folder, without a terminal. Ends with the `with` block, and with it what it has started."""

    def __init__(self, folder: Path, scratch: Path, environ: Mapping[str, str], *, seconds: float = SECONDS) -> None:
        self._scratch, self._seconds, self._blocks = scratch, seconds, 0
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"], cwd=folder, env=dict(environ), start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0,
        )  # fmt: skip

    def __enter__(self) -> Shell:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill it and all its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        for stream in (self._bash.stdin, self._bash.stdout):
            assert stream is not None
            stream.close()
        self._bash.wait()

    def run(self, text: str) -> Ran:
        """Run a block to its end, also where a command fails. Raises ShellEndedError."""
        self._blocks += 1
        script, out, errors, failed = (self._scratch / f"{self._blocks}.{end}" for end in ("sh", "out", "err", "fail"))
        script.write_text(text, "utf-8")
        for each in (out, errors, failed):
            each.touch()
        # Sourced, so that state stays; all of a block's own words are in the file, none in this line.
        self._say(f"_daybook_failed='{failed}'; {_ON_FAILURE}; . '{script}' >'{out}' 2>'{errors}' </dev/null; echo end")
        ended = self._wait()
        output, said, failures = (each.read_text("utf-8", "replace") for each in (out, errors, failed))
        if ended:
            raise ShellEndedError(ended, f"{output}{said}".rstrip())
        status, _, command = failures.partition("\n")[0].partition(" ")
        return Ran(int(status or 0), output, said, command)

    def _say(self, line: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"{line}\n".encode())

    def _wait(self) -> str | None:
        """None when the block has ended by itself; else why not, as a sentence."""
        assert self._bash.stdout is not None
        deadline = time.monotonic() + self._seconds
        seen = b""
        while not seen.endswith(b"end\n"):
            ready, _, _ = select.select([self._bash.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return f"the block was not done after {self._seconds:g} seconds"
            more = self._bash.stdout.read(4096)
            if not more:
                return "the block ended its shell, as by `exit` or `set -e`"
            seen += more
        return None
