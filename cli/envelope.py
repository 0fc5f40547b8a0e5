"""The document that every command prints with `--json`: `{"ok": …, "data": …, "problem": …}`."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from cli.errors import ExitStatus
from cli.output import Outcome

T = TypeVar("T")


class Problem(msgspec.Struct, frozen=True):
    """Why the exit status is not 0: the status, and a sentence."""

    exit_status: int
    detail: str


class Envelope(msgspec.Struct, Generic[T], frozen=True):
    """`ok` says whether the exit status is 0. If so, `problem` is null and `data` is not; else `data` may be null."""

    ok: bool
    data: T | None
    problem: Problem | None


def envelope(outcome: Outcome) -> str:
    """The document, indented."""
    ok = outcome.exit_status is ExitStatus.OK
    problem = None if ok else Problem(int(outcome.exit_status), outcome.detail)
    document: Envelope[Any] = Envelope(ok, outcome.data, problem)
    return msgspec.json.format(msgspec.json.encode(document, enc_hook=str)).decode()
