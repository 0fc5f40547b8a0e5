"""The names of restored tables: every step finds them, however often there was a restore before."""

from __future__ import annotations

import pytest

from cli.restore.names import LONGEST, Tables, restored_name, restored_tables

NAME = "Daybook-prod-Ledger-EventsTableD24865E5-1ABCDEFGHIJK"


def test_the_name_says_what_it_is_and_of_which_generation() -> None:
    assert restored_name(NAME, 2) == f"{NAME}-restored-2"


def test_it_does_not_grow_with_every_restore() -> None:
    name = NAME
    for generation in range(2, 12):
        name = restored_name(name, generation)
    assert name == f"{NAME}-restored-11"


@pytest.mark.parametrize("length", [254, 255])
def test_a_long_name_is_cut_and_stays_its_own(length: int) -> None:
    one, other = "e" * length, "e" * (length - 1) + "f"
    names = {restored_name(each, generation) for each in (one, other) for generation in (2, 3)}
    assert len(names) == 4
    assert {len(each) for each in names} == {LONGEST}
    again = restored_name(restored_name(one, 99), 100)
    assert len(again) <= LONGEST
    assert again.endswith("-restored-100")


def test_all_tables_of_a_restore_are_of_the_next_generation() -> None:
    deployed = Tables(4, "e-restored-4", "r", "c-restored-3")
    assert restored_tables(deployed) == Tables(5, "e-restored-5", "r-restored-5", "c-restored-5")
