"""The sealer's runs: what it reads of the lake, what it decides, what it says, and what stops it."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from lambdas.transparency import note
from lambdas.transparency.errors import LogConflictError, LogUnavailableError
from lambdas.transparency.index import Head, Progress
from tests.support.log_signer import SeededSigner, verifies
from tests.support.plain_log import root_of
from tests.support.sealed_world import PREFIX, SIGNER, START, World, plenty


@pytest.fixture
def world() -> World:
    return World()


def header(world: World, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(world.content(f"seal/{number:08}").split(b"\n")[0])
    return found


def sealed_world(world: World, *versions: int) -> World:
    """A world with one seal for each number: of so many events of account `a`."""
    for count in versions:
        for _ in range(count):
            world.book("a")
        world.seal()
        world.now += timedelta(hours=1)
    return world


def test_the_first_run_makes_the_log_even_if_there_is_nothing(world: World) -> None:
    found = world.seal()
    assert (found.seals, found.leaves, found.size) == ((0,), 0, 0)
    assert found.root == b64encode(sha256(b"").digest()).decode()
    prefix, _, name = header(world, 0)["origin"].rpartition("/")
    assert prefix == PREFIX
    assert len(bytes.fromhex(name)) == 8
    assert found.checkpoint.encode() == world.content("checkpoint") == world.content("checkpoints/00000000")
    assert world.seal().seals == ()
    world.check()
    world.book("a")
    assert world.seal().seals == (1,)
    world.check_all_sealed()


def test_two_logs_have_two_names() -> None:
    origins = {header(world, 0)["origin"] for world in (World(), World()) if world.seal()}
    assert len(origins) == 2


def test_the_header_says_what_the_sealer_looked_at(world: World) -> None:
    sealed_world(world, 2)
    origin = header(world, 0)["origin"]
    assert list(header(world, 0).items()) == [
        ("seal", 0), ("first_leaf", 0), ("leaves", 2), ("origin", origin), ("decided_at", "2026-03-01T10:00:00.000Z"),
        ("from_dt", "0000"), ("next_from_dt", "2026-02-28"), ("next_account", ""),
    ]  # fmt: skip
    world.now += timedelta(days=3)
    world.book("b")
    world.seal()
    assert (header(world, 1)["from_dt"], header(world, 1)["next_from_dt"]) == ("2026-02-28", "2026-03-03")
    assert world.asked == [("0000", "2026-03-01T10:00:00.000Z"), ("2026-02-28", "2026-03-04T11:00:00.000Z")]


def test_what_a_run_says_can_be_verified(world: World) -> None:
    found = sealed_world(world, 3).seal()
    log = world.check_all_sealed()
    assert found.root == b64encode(root_of([entry.text.encode() for entry in log.entries])).decode()
    key = note.parse_vkey(found.vkey)
    assert key.public_key == SIGNER.public_key()
    assert note.open_note(found.checkpoint.encode(), key, verifies).startswith(f"{header(world, 0)['origin']}\n3\n")


def test_only_what_was_recorded_by_then(world: World) -> None:
    world.book("a")
    world.now += timedelta(hours=1)
    world.book("a")
    assert world.sealer().run(through=START, time_left=plenty).size == 1
    assert world.sealer().run(through=START + timedelta(hours=1), time_left=plenty).size == 2


def test_what_came_after_an_old_moment_is_left_to_the_next_run(world: World) -> None:
    world.book("a")
    world.now += timedelta(days=3)
    world.book("a")
    world.now += timedelta(days=30)
    assert world.sealer().run(through=START, time_left=plenty).size == 1
    assert world.sealer().run(time_left=plenty).size == 2


def test_a_moment_to_come_closes_no_day_that_is_to_come(world: World) -> None:
    world.book("a")
    world.sealer().run(through=START + timedelta(days=900), time_left=plenty)
    assert header(world, 0)["next_from_dt"] == "2026-02-28"


def test_an_old_moment_opens_no_day_again(world: World) -> None:
    sealed_world(world, 1)
    world.arrive("b", 1, bytes(32), START - timedelta(days=200))
    world.sealer().run(through=START - timedelta(days=100), time_left=plenty)
    assert header(world, 1)["next_from_dt"] == "2026-02-28"


def test_a_year_of_silence(world: World) -> None:
    """No run decides anything, and the first one after it still looks from the last seal on."""
    sealed_world(world, 2)
    world.book("a", deliver=False)
    for _ in range(365):
        world.now += timedelta(days=1)
        assert world.seal().seals == ()
    world.book("b")
    world.delivered.append(
        type(world.delivered[0])("a", 3, _text(world.table["a"][2].hash), "2026-03-02", "2026-03-01T11:00:00.000Z")
    )
    world.undelivered.clear()
    assert world.seal().leaves == 2
    assert world.asked[-1] == ("2026-02-28", "2027-03-01T11:00:00.000Z")
    assert header(world, 1)["next_from_dt"] == "2027-02-28"
    world.check_all_sealed()


def _text(hashed: bytes) -> str:
    return b64encode(hashed).decode()


def test_a_hole_keeps_the_window_open_until_it_is_filled(world: World) -> None:
    world.book("a")
    world.book("a", deliver=False)
    world.book("a")
    world.book("b")
    first = world.seal()
    assert (first.size, first.hole_count, first.overdue_count) == (2, 1, 0)
    assert (first.holes[0].account_id, first.holes[0].version) == ("a", 2)
    world.now += timedelta(days=20)
    world.book("b")
    second = world.seal()
    assert (second.size, second.hole_count, second.overdue_count) == (3, 1, 1)
    assert header(world, 1)["next_from_dt"] == "2026-03-01"
    world.now += timedelta(days=20)
    assert world.seal().overdue_count == 1
    world.deliver_rest()
    third = world.seal()
    assert (third.leaves, third.hole_count) == (2, 0)
    assert header(world, 2)["next_from_dt"] == "2026-04-09"
    world.check_all_sealed()


def test_a_late_event_goes_into_the_next_seal(world: World) -> None:
    world.book("a")
    world.book("b", deliver=False)
    world.seal()
    world.deliver_rest()
    assert world.seal().seals == (1,)
    world.check_all_sealed()


@pytest.mark.parametrize(("version", "seals"), [(6, (2, 4)), (3, (2, 4)), (1, (6,)), (2, (6,)), (7, (2, 4))])
def test_a_fork_is_named_and_holds_its_account_only(version: int, seals: tuple[int, ...], world: World) -> None:
    sealed_world(world, *seals)
    for _ in range(2):
        world.book("a")
        world.book("b")
    forged = sha256(b"forged").digest()
    world.arrive("a", version, forged, START)
    found = world.seal()
    assert found.fork_count == len(found.forks) == 1
    fork = found.forks[0]
    assert (fork.account_id, fork.version) == ("a", version)
    assert {fork.expected, fork.found} == {_text(forged), _text(world.table["a"][version - 1].hash)}
    if version < 7:
        assert fork.found == _text(forged)
    assert {account: len(each) for account, each in world.check().standing().items()} == {"a": 6, "b": 2}
    world.now += timedelta(days=30)
    world.book("b")
    assert world.seal().fork_count == 1
    assert header(world, len(seals) + 1)["next_from_dt"] == "2026-03-01"
    world.delivered = [each for each in world.delivered if each.hash != _text(forged)]
    assert world.seal().fork_count == 0
    world.check_all_sealed()


def test_more_than_a_seal_takes_makes_several(world: World) -> None:
    for account in ("a", "b", "c"):
        for _ in range(5):
            world.book(account)
    world.book("d", deliver=False)
    world.book("d")
    found = world.seal(seal_leaves=4)
    assert (found.seals, found.leaves, found.complete) == ((0, 1, 2, 3), 15, True)
    assert [header(world, each)["leaves"] for each in found.seals] == [4, 4, 4, 3]
    assert [header(world, each)["from_dt"] for each in found.seals] == ["0000"] * 4
    assert [header(world, each)["next_account"] for each in found.seals] == ["a", "b", "c", ""]
    world.check()


def test_a_run_without_time_stops_between_two_seals_and_the_next_goes_on(world: World) -> None:
    for _ in range(10):
        world.book("a")
    left = iter([900.0, 900.0, 100.0])
    found = world.sealer(seal_leaves=3).run(time_left=lambda: next(left))
    assert (found.seals, found.leaves, found.complete) == ((0, 1, 2), 9, False)
    assert (header(world, 2)["from_dt"], header(world, 2)["next_account"]) == ("0000", "a")
    assert world.seal().leaves == 1
    world.check_all_sealed()


def test_a_run_without_time_for_all_accounts_seals_what_it_has_and_the_next_goes_on_there(world: World) -> None:
    """Else a lake that one run cannot look through would never be sealed: each would begin anew, and be ended."""
    for account in ("a", "b", "c", "d"):
        world.book(account)
        world.book(account)
    seen = []
    for _ in range(2):
        found = world.sealer().run(time_left=iter([900.0, 100.0]).__next__)
        seen.append((found.leaves, found.complete, header(world, found.seals[-1])["next_account"]))
    assert seen == [(4, False, "c"), (4, False, "")]
    assert world.asked_accounts == ["", "c"]
    world.check_all_sealed()


def test_what_one_run_after_the_other_left_keeps_the_window_open(world: World) -> None:
    """The run that comes to the end has not seen what waits of the accounts before it, nor what came late for them."""
    world.book("a", deliver=False)
    world.book("a")
    for account in ("b", "c", "d"):
        world.book(account)
    world.sealer().run(time_left=iter([900.0, 100.0]).__next__)
    assert (header(world, 0)["next_account"], header(world, 0)["next_from_dt"]) == ("c", "2026-02-28")
    world.now += timedelta(days=10)
    world.sealer().run(time_left=iter([900.0, 100.0]).__next__)
    assert (header(world, 1)["next_account"], header(world, 1)["next_from_dt"]) == ("", "2026-02-28")
    world.deliver_rest()
    assert world.seal().leaves == 2
    world.check_all_sealed()


def test_the_rest_of_a_window_holds_up_nothing_that_comes_later(world: World) -> None:
    """Nothing new is in the rest, so no seal says that it was looked through."""
    for account in ("a", "b", "c"):
        world.book(account)
    late = world.delivered.pop()
    world.book("c")
    world.sealer().run(time_left=iter([900.0, 100.0]).__next__)
    assert header(world, 0)["next_account"] == "c"
    world.book("a")
    found = world.seal()
    assert (found.leaves, found.hole_count, found.complete) == (1, 1, True)
    world.delivered.append(late)
    assert world.seal().leaves == 2
    world.check_all_sealed()


def test_a_restore_of_an_account_that_there_is_no_time_for_waits_with_it(world: World) -> None:
    for account in ("a", "b", "c"):
        world.book(account)
        world.book(account)
    world.seal()
    for account in ("a", "b", "c"):
        world.book(account)
    world.restore({"b": 1, "c": 3})
    world.book("b")
    found = world.sealer().run(time_left=iter([100.0, 100.0]).__next__)
    assert (found.leaves, found.hole_count, header(world, 1)["next_account"]) == (1, 0, "b")
    world.seal()
    world.check_all_sealed()


def test_accounts_restored_in_every_way(world: World) -> None:
    """Cut inside a run, between runs, wholly, twice, and one that was never sealed."""
    for account, count in (("inside", 5), ("between", 3), ("wholly", 4), ("twice", 6)):
        for _ in range(count):
            world.book(account)
    world.seal()
    for account in ("between", "twice"):
        for _ in range(3):
            world.book(account)
    world.seal()
    world.book("unsealed")
    world.restore({"inside": 2, "between": 3, "wholly": 0, "twice": 7, "unsealed": 0})
    world.seal()
    world.check_all_sealed()
    heads, runs, _ = world.index.contents()
    assert (heads["wholly"].version, heads["wholly"].hash) == (0, bytes(32))
    assert (runs.get("wholly"), "unsealed" in heads) == (None, False)
    assert [run.count for run in runs["inside"].values()] == [2]
    assert [run.count for run in runs["between"].values()] == [3]
    assert [run.count for run in runs["twice"].values()] == [6, 1]
    world.restore({"twice": 2})
    for account in ("inside", "between", "wholly", "twice", "unsealed"):
        world.book(account)
        world.book(account)
    world.seal()
    log = world.check_all_sealed()
    assert [entry.text.split()[0] for entry in log.entries if entry.text.startswith("unsealed/")] == [
        "unsealed/restored/2", "unsealed/1", "unsealed/2",
    ]  # fmt: skip


def test_a_restore_between_the_two_questions_to_the_lake(world: World) -> None:
    sealed_world(world, 5)
    world.book("a")

    def meanwhile() -> None:
        world.restore({"a": 3})
        world.book("a")

    world.meanwhile = meanwhile
    found = world.seal()
    assert (found.leaves, found.fork_count) == (1, 0)
    world.meanwhile = lambda: None
    world.seal()
    world.check_all_sealed()


def test_a_tile_that_exists_with_other_bytes_stops_the_sealer(world: World) -> None:
    sealed_world(world, 3)
    world.book("a")
    for name in ("tile/0/000.p/4", "tile/entries/000.p/4", "checkpoints/00000001"):
        world.store.put(name, b"other", "application/octet-stream")
        for _ in range(2):
            with pytest.raises(LogConflictError, match=f"{name} does not hold what follows"):
                world.seal()
        world.store.remove(name)
    assert world.index.progress() == Progress(0, 3)
    world.seal()
    world.check_all_sealed()


def _flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("tile/0/000.p/3", "not the one whose hash the tile of level 0 holds"),
        ("tile/entries/000.p/3", r"cut off|instead of|not those"),
        ("checkpoints/00000000", "do not have the root that checkpoints/00000000 says"),
        ("checkpoint", "neither the one before seal/00000001 nor a later one"),
        ("seal/00000000", "no header of a seal"),
    ],
)
def test_a_changed_object_stops_the_sealer(name: str, says: str, world: World) -> None:
    sealed_world(world, 3)
    world.book("a")
    genuine = world.content(name)
    world.store.put(name, _flipped(genuine))
    with pytest.raises(LogConflictError, match=says):
        world.seal()
    world.store.put(name, genuine)
    world.seal()
    world.check_all_sealed()


@pytest.mark.parametrize(
    "name", ["tile/0/000.p/3", "tile/entries/000.p/3", "checkpoints/00000000", "checkpoint", "seal/00000000"]
)
def test_a_lost_object_stops_the_sealer(name: str, world: World) -> None:
    sealed_world(world, 3)
    world.book("a")
    world.store.remove(name)
    with pytest.raises(LogConflictError):
        world.seal()


def test_a_frontier_that_was_changed_with_its_entries_gets_no_signature(world: World) -> None:
    """Tile, bundle, seal and checkpoint are changed alike: the root is another than the one that was signed."""
    sealed_world(world, 2)
    twin = sealed_world(World(), 2)
    world.book("a")
    for name in ("tile/0/000.p/2", "tile/entries/000.p/2"):
        content = twin.content(name)
        world.store.put(name, content.replace(b"a/1", b"b/1") if "entries" in name else content)
    with pytest.raises(LogConflictError):
        world.seal()
    entries = [b"b/1 " + b64encode(bytes(32)), b"b/2 " + b64encode(bytes(32))]
    world.store.put("tile/entries/000.p/2", b"".join(len(each).to_bytes(2, "big") + each for each in entries))
    world.store.put("tile/0/000.p/2", b"".join(root_of([each]) for each in entries))
    with pytest.raises(LogConflictError, match="do not have the root that checkpoints/00000000 says"):
        world.seal()
    origin, size, _, *rest = world.content("checkpoints/00000000").split(b"\n")
    forged = b"\n".join([origin, size, b64encode(root_of(entries)), *rest])
    world.store.put("checkpoints/00000000", forged)
    world.store.put("checkpoint", forged)
    with pytest.raises(LogConflictError, match="is not signed by the log's key"):
        world.seal()


def test_a_checkpoint_of_a_seal_that_nobody_decided_stops_the_sealer(world: World) -> None:
    sealed_world(world, 2)
    ahead = sealed_world(World(), 2, 5, 5)
    world.book("a")
    world.store.put("checkpoint", ahead.content("checkpoint"))
    with pytest.raises(LogConflictError, match="neither the one before seal/00000001 nor a later one"):
        world.seal()


def test_an_older_checkpoint_stops_the_sealer(world: World) -> None:
    sealed_world(world, 2, 2)
    world.book("a")
    world.store.put("checkpoint", world.content("checkpoints/00000000"))
    with pytest.raises(LogConflictError, match="neither the one before seal/00000002 nor a later one"):
        world.seal()


@pytest.mark.parametrize("change", [{"seal": 7}, {"first_leaf": 1}, {"origin": "other"}, {"leaves": 3}, {"leaves": 1}])
def test_a_seal_that_does_not_go_on_where_the_last_one_ended(change: dict[str, Any], world: World) -> None:
    sealed_world(world, 2)
    made = {**header(world, 0), "seal": 1, "first_leaf": 2, "leaves": 2, **change}
    lines = "".join(f"b/{version} {_text(bytes(32))}\n" for version in (1, 2))
    world.store.put("seal/00000001", f"{json.dumps(made)}\n{lines}".encode(), "text/plain")
    with pytest.raises(LogConflictError, match="seal/00000001"):
        world.seal()


@pytest.mark.parametrize(
    "line", ["b/1", "b/1 x", "b/restored/2 1", "b/0 " + _text(bytes(32)), "", "b/1 " + _text(bytes(31))]
)
def test_a_seal_with_what_is_no_leaf(line: str, world: World) -> None:
    sealed_world(world, 2)
    made = {**header(world, 0), "seal": 1, "first_leaf": 2, "leaves": 1}
    world.store.put("seal/00000001", f"{json.dumps(made)}\n{line}\n".encode(), "text/plain")
    with pytest.raises(LogConflictError, match="seal/00000001: no entry of this log"):
        world.seal()


def test_an_index_that_does_not_go_with_the_seals(world: World) -> None:
    sealed_world(world, 2, 2)
    world.book("a")
    heads, runs, progress = world.index.contents()
    head = heads["a"]
    world.index.restore((heads, runs, Progress(1, 3)))
    with pytest.raises(LogConflictError, match="the index says that seal 1 is done"):
        world.seal()
    world.index.restore((heads, runs, Progress(2, 5)))
    with pytest.raises(LogConflictError, match="the index says that seal 2 is done"):
        world.seal()
    world.index.restore((heads, {}, progress))
    with pytest.raises(LogConflictError, match="the index lacks a/1"):
        world.seal()
    moved = {"a": {1: type(runs["a"][1])(1, 2, 2, 0, bytes(32)), 3: runs["a"][3]}}
    world.index.restore((heads, moved, progress))
    with pytest.raises(LogConflictError, match="the index says that a/1 is leaf 2, and there stands"):
        world.seal()
    world.index.restore(({"a": Head(2, 1, world.table["a"][1].hash, 0)}, runs, progress))
    world.sealer().rebuild_index()
    assert world.index.heads(["a"]) == {"a": head}
    world.seal()
    world.check_all_sealed()


def test_another_key_goes_not_on_with_the_log(world: World) -> None:
    sealed_world(world, 2)
    world.book("a")
    with pytest.raises(LogConflictError, match="not signed by the log's key"):
        world.seal(signer=SeededSigner(2))


def test_an_answer_that_got_lost_decides_all_the_same(world: World) -> None:
    """S3 answers a repeated request that the object is there: it is the sealer's own."""

    class Repeating:
        def __init__(self) -> None:
            self.get, self.names, self.replace = world.store.get, world.store.names, world.store.replace

        def add(self, *arguments: Any) -> bool:
            world.store.add(*arguments)
            return False

    world.book("a")
    found = world.seal(store=Repeating())
    assert (found.seals, found.leaves) == ((0,), 1)
    world.check_all_sealed()


def test_a_sealer_that_is_always_overtaken_gives_up(world: World) -> None:
    world.seal()
    world.book("a")

    def overtake() -> None:
        unknown, world.delivered = world.delivered, []
        meanwhile, world.meanwhile = world.meanwhile, lambda: None
        world.book("b")
        world.seal()
        world.delivered, world.meanwhile = unknown, meanwhile

    world.meanwhile = overtake
    with pytest.raises(LogUnavailableError, match="decided a seal before this one 5 times"):
        world.seal()
    assert len(world.check().headers) == 6


def test_a_hole_that_another_sealer_fills_meanwhile_is_none(world: World) -> None:
    """Heads are read, then what is missing arrives and another sealer seals it: then this one comes to the hole."""
    sealed_world(world, 1)
    world.book("a", deliver=False)
    world.book("a")
    world.now += timedelta(hours=2)
    heads = world.index.heads

    class Overtaken:
        def __init__(self) -> None:
            index = world.index
            self.run_of, self.runs, self.apply = index.run_of, index.runs, index.apply
            self.progress, self.advance = index.progress, index.advance

        def heads(self, account_ids: Any) -> Any:
            found = heads(account_ids)
            if world.undelivered:
                world.deliver_rest()
                assert world.seal().leaves == 2
            return found

    found = world.seal(index=Overtaken())
    assert (found.hole_count, found.overdue_count, found.size) == (0, 0, 3)
    world.check_all_sealed()


def test_the_index_may_not_be_made_again_while_a_sealer_decides(world: World) -> None:
    """Heads that are not there would be new accounts: what was sealed would be sealed again."""
    sealed_world(world, 2, 1)
    world.book("b")
    world.meanwhile = world.index.clear
    with pytest.raises(LogUnavailableError, match="is being made again"):
        world.seal()
    world.meanwhile = lambda: None
    assert world.seal().leaves == 1
    world.announcer.told = [world.content(each) for each in world.store.names("checkpoints/")]
    world.check_all_sealed()


@pytest.mark.parametrize("made_again", [[], [Progress(0, 2)]])
def test_an_index_that_is_forgotten_while_heads_are_read(made_again: list[Progress], world: World) -> None:
    sealed_world(world, 2, 1)
    world.book("b")
    heads = world.index.heads

    class Forgotten:
        def __init__(self) -> None:
            index = world.index
            self.run_of, self.runs, self.apply = index.run_of, index.runs, index.apply
            self.progress, self.advance = index.progress, index.advance

        def heads(self, account_ids: Any) -> Any:
            world.index.clear()
            found = heads(account_ids)
            for progress in made_again:
                world.index.advance(progress)
            return found

    with pytest.raises(LogUnavailableError, match="is being made again"):
        world.seal(index=Forgotten())
    assert len(list(world.store.names("seal/"))) == 2


def test_a_sealer_that_finishes_while_the_index_is_made_again_says_no_more_than_is_in_it(world: World) -> None:
    sealed_world(world, 2, 1)
    world.book("b")
    advance = world.index.advance

    class Forgotten:
        def __init__(self) -> None:
            index = world.index
            self.run_of, self.runs, self.apply, self.heads = index.run_of, index.runs, index.apply, index.heads
            self.progress = index.progress

        def advance(self, progress: Any) -> None:
            world.index.clear()
            advance(progress)

    world.seal(index=Forgotten())
    assert world.index.progress() is None
    world.sealer().rebuild_index()
    world.check_all_sealed()
