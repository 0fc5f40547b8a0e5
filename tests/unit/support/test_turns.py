"""Locks on files between the processes of a test run, shown with several open files of one process."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from local.machine.errors import AlreadyRunningError
from tests.e2e.turns import shared_by_a_run, turn


def test_the_first_starts_it_and_the_last_stops_it(tmp_path: Path) -> None:
    happened: list[str] = []

    def used_by(run: str) -> AbstractContextManager[None]:
        return shared_by_a_run(
            tmp_path, run, start=lambda: happened.append(f"{run} starts"), stop=lambda: happened.append(f"{run} stops")
        )

    with used_by("one"):
        with used_by("one"):
            pass
        assert happened == ["one starts"]
        with pytest.raises(AlreadyRunningError), used_by("other"):
            pass
    assert happened == ["one starts", "one stops"]
    with used_by("other"):
        pass
    assert happened[2:] == ["other starts", "other stops"]


@pytest.mark.parametrize(("first", "second"), [(True, False), (False, True), (True, True)])
def test_who_is_alone_waits_for_the_others_and_they_for_him(tmp_path: Path, first: bool, second: bool) -> None:
    has_turn = threading.Event()

    def wait() -> None:
        with turn(tmp_path / "lock", alone=second):
            has_turn.set()

    waiting = threading.Thread(target=wait)
    with turn(tmp_path / "lock", alone=first):
        waiting.start()
        assert not has_turn.wait(0.1)
    waiting.join(10)
    assert has_turn.is_set()


def test_the_others_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with turn(tmp_path / "lock", alone=False), turn(tmp_path / "lock", alone=False):
        pass
