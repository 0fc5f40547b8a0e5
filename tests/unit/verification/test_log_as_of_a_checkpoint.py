"""What of the log counts, as of the checkpoint that a verification compares with."""

from __future__ import annotations

from base64 import b64decode

from cli.environments.log import verifies
from lambdas.verification.heads import Heads, SealedUpTo
from lambdas.verification.log import Log, terms_of
from lambdas.verification.row_digests import leaf_text
from lambdas.verification.sums import Sums, number_of
from tests.support.sealing_world import SealingWorld

SALT = "salt"


def test_the_last_leaf_of_the_checkpoint_counts_and_the_first_one_after_it_does_not() -> None:
    world = SealingWorld()
    world.book("a", events=2)
    world.book("b", events=3)
    world.seal()
    terms = terms_of(world.store, world.index)
    assert terms is not None
    for account_id in ("a", "b", "c"):
        world.book(account_id)
    world.seal()
    last = {account_id: b64decode(rows[-2].hash) for account_id, rows in world.history.items() if len(rows) > 1}
    found = Heads(world.index, terms).read(["a", "b", "c", "d"])
    assert found == {"a": SealedUpTo(2, last["a"]), "b": SealedUpTo(3, last["b"]), "c": SealedUpTo()}


def test_a_restore_that_goes_further_back_than_the_one_before() -> None:
    world = SealingWorld()
    world.book("a", events=8)
    world.book("b", events=2)
    world.seal()
    world.restore("a", 5)
    world.book("a")
    world.seal()
    world.restore("a", 3)
    world.book("a", events=2)
    world.seal()
    terms = terms_of(world.store, world.index)
    assert terms is not None
    log = Log(world.store, terms, SALT, public_key=world.signer.public_key(), verify=verifies)
    expected = Sums()
    for rows in world.history.values():
        for row in rows:
            text = leaf_text(row.account_id, row.version, b64decode(row.hash))
            expected.add(row.account_id, number_of(SALT, text))
    seen = log.recompute()
    assert (seen.sums, seen.findings.total) == (expected, 0)
    assert {version: len(texts) for version, texts in log.events(["a"])["a"].items()} == dict.fromkeys(range(1, 6), 1)
