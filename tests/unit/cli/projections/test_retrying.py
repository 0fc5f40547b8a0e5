"""`daybook projections retry`: stopped accounts go on, by the deployed projector."""

from __future__ import annotations

import pytest

from tests.support.envelopes import printed
from tests.unit.cli.projections.world import ACCOUNTS, SUMMARIES, World

A, B, C, *_ = ACCOUNTS


def test_accounts_go_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.built()
    world.stop(1, A)
    world.stop(1, B)
    world.functions.folds = lambda account: world.save(1, account)
    assert world.run("retry", SUMMARIES, A, A) == 0
    assert world.functions.invoked == [("projector-account_summaries", [A])]
    assert capsys.readouterr().out == f"{A}  goes on: version 3\n"


def test_all_that_are_stopped_in_any_generation(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.building(2)
    world.stop(1, B)
    for account in (A, B):
        world.stop(2, account)
    world.save(1, A)
    assert world.run("retry", SUMMARIES, "--all", "--json") == 1
    document = printed("projections", capsys)
    assert world.functions.invoked == [("projector-account_summaries", [A, B])]
    assert document["problem"]["detail"] == "2 accounts of 2 in account_summaries did not go on."
    poison = {"version": 7, "reason": "It is poison."}
    assert document["data"] == {
        "action": "retry",
        "accounts": [
            {"account_id": A, "version": 3, "stopped": [{"generation": 2, "account_id": A, **poison}]},
            {
                "account_id": B, "version": 7,
                "stopped": [{"generation": number, "account_id": B, **poison} for number in (1, 2)],
            },
        ],
    }  # fmt: skip


def test_one_that_is_still_stopped(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.built()
    world.stop(1, A, "It is\npoison.")
    assert world.run("retry", SUMMARIES, A) == 1
    assert capsys.readouterr().out == f"{A}  STOPPED in generation 1 after version 7: It is poison.\n"


def test_many_go_in_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.projections.retrying.BATCH", 2)
    world.built()
    assert world.run("retry", SUMMARIES, *ACCOUNTS) == 0
    assert [len(accounts) for _, accounts in world.functions.invoked] == [2, 2, 1]


def test_nothing_is_stopped(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.built()
    assert world.run("retry", SUMMARIES, "--all") == 0
    assert capsys.readouterr().out == "account_summaries: no account is stopped\n"
    assert world.functions.invoked == []


def test_a_projector_that_fails(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.built()
    world.functions.error = b'{"errorMessage": "2026-03-01 Task timed out after 60.00 seconds"}'
    assert world.run("retry", SUMMARIES, A, "--json") == 3
    assert printed("projections", capsys)["problem"]["detail"] == (
        "The projector failed: 2026-03-01 Task timed out after 60.00 seconds. Repeating the command is safe."
    )
