"""Runs a few activities in every order of their store calls: exhaustive where threads only sample."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import Any

from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.store import C, EventStore, Page

PATIENCE_SECONDS = 20.0


class Turnstile:
    """Lets one of several threads run at a time, from one of its store calls to the next."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: set[int] = set()
        self._finished: set[int] = set()
        self._turn: int | None = None
        self._local = threading.local()

    def step(self) -> None:
        """Called by an activity before a store call: wait for the turn. Other threads pass freely."""
        name: int | None = getattr(self._local, "name", None)
        if name is None:
            return
        with self._changed:
            self._waiting.add(name)
            self._turn = None
            self._changed.notify_all()
            self._wait(lambda: self._turn == name)
            self._waiting.remove(name)

    def run(self, activities: Sequence[Callable[[], object]], executor: Executor, choose: Callable[[int], int]) -> None:
        """Run all to their ends. `choose` picks who goes on: an index below the number of those that wait.

        Raises what an activity raises.
        """
        futures = [executor.submit(self._activity, name, each) for name, each in enumerate(activities)]
        with self._changed:
            while True:
                self._wait(lambda: self._turn is None and len(self._waiting | self._finished) == len(activities))
                ready = sorted(self._waiting)
                if not ready:
                    break
                self._turn = ready[choose(len(ready))]
                self._changed.notify_all()
        for future in futures:
            future.result()

    def _activity(self, name: int, activity: Callable[[], object]) -> None:
        self._local.name = name
        try:
            self.step()
            activity()
        finally:
            self._local.name = None
            with self._changed:
                self._finished.add(name)
                self._turn = None
                self._changed.notify_all()

    def _wait(self, ready: Callable[[], bool]) -> None:
        assert self._changed.wait_for(ready, PATIENCE_SECONDS), "the activities are stuck"


class SteppedStore:
    """Passes through the turnstile before every call."""

    def __init__(self, store: EventStore, turnstile: Turnstile) -> None:
        self._store = store
        self._turnstile = turnstile

    def read(self, stream_id: str, **query: Any) -> Page:
        """See EventStore.read."""
        self._turnstile.step()
        return self._store.read(stream_id, **query)

    def commit(self, build: Callable[[], C], *, deadline: Deadline) -> C:
        """See EventStore.commit."""
        self._turnstile.step()
        return self._store.commit(build, deadline=deadline)


Run = Callable[[Callable[[int], int]], None]
"""Something that asks for choices: it gives the number of alternatives and takes the index of one."""


def explore(run: Run) -> int:
    """Run with every sequence of choices there is, depth first; gives how many there were."""
    choices: list[int] = []
    count = 0
    while True:
        widths: list[int] = []

        def choose(width: int, widths: list[int] = widths) -> int:
            widths.append(width)
            if len(widths) > len(choices):
                choices.append(0)
            return choices[len(widths) - 1]

        run(choose)
        count += 1
        while choices and choices[-1] + 1 == widths[len(choices) - 1]:
            choices.pop()
        if not choices:
            return count
        choices[-1] += 1


def sample(run: Run, seeds: Iterable[int]) -> None:
    """Run with random choices, once for each seed."""
    for seed in seeds:
        run(random.Random(seed).randrange)
