"""Runs steps one after the other: how long each took, what it saw, and why one failed or did not run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec


class StepFailedError(Exception):
    """A step has found that something does not work. Each part is a sentence, or a part of one.

    `what` did not work, `why` as far as the answer tells, and `look_at`: what to look at or to do. No part holds a
    credential.
    """

    def __init__(self, what: str, why: str, look_at: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what = what
        self.why = why
        self.look_at = look_at


@dataclass(frozen=True, kw_only=True)
class Step:
    """`check` says in a few words what it saw, or raises StepFailedError. It runs only if what it `needs` went well.

    With `left_out`, which says why, it does not run, and that is no failure.
    """

    name: str
    check: Callable[[], str]
    needs: tuple[str, ...] = ()
    left_out: str = ""


class StepResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a step ended, and after how many seconds. `told` is what it saw; a failed one has `what`, `why`, `look_at`.

    One that did not run has `why`: what it needs failed, or it was left out.
    """

    name: str
    status: Literal["ok", "failed", "not-run", "left-out"]
    seconds: float = 0.0
    told: str = ""
    what: str = ""
    why: str = ""
    look_at: str = ""


def run_steps(
    steps: Sequence[Step],
    *,
    ended: Callable[[StepResult], None] = lambda _: None,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[StepResult]:
    """Run all steps in their order; `ended` gets each result at once."""
    results: dict[str, StepResult] = {}
    for step in steps:
        lacking = [name for name in step.needs if results[name].status != "ok"]
        if step.left_out:
            result = StepResult(step.name, "left-out", why=step.left_out)
        elif lacking:
            result = StepResult(step.name, "not-run", why=f"it needs: {', '.join(lacking)}")
        else:
            result = _run(step, monotonic)
        results[step.name] = result
        ended(result)
    return list(results.values())


def _run(step: Step, monotonic: Callable[[], float]) -> StepResult:
    began = monotonic()
    try:
        told = step.check()
    except StepFailedError as error:
        took = round(monotonic() - began, 3)
        return StepResult(step.name, "failed", took, what=error.what, why=error.why, look_at=error.look_at)
    return StepResult(step.name, "ok", round(monotonic() - began, 3), told=told)


def all_well(results: Sequence[StepResult]) -> bool:
    """Whether no step failed, nor was kept from running by one that did."""
    return all(each.status in {"ok", "left-out"} for each in results)
