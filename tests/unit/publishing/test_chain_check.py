"""What the publisher refuses of its records, and that it never refuses what is genuine."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from lambdas.eventsourcing.rows import EventRow
from lambdas.publishing.chain_check import ChainCheck
from lambdas.publishing.stream_records import read_batch
from tests.support.event_rows import ACCOUNT, account_id, credited, follow, row, stream_record, stream_records

OTHER = account_id(2)


def edited(genuine: EventRow) -> EventRow:
    """More money, under the genuine hash."""
    return replace(genuine, data=genuine.data.replace("250", "950"))


def forged(genuine: EventRow) -> EventRow:
    """More money, and the hash that fits: whoever knows the hash of the row before can do that."""
    return follow(credited(genuine.version - 1).hash if genuine.version > 1 else bytes(32), edited(genuine))


def taken(chain: ChainCheck, *rows: EventRow) -> tuple[list[int], list[tuple[str, str]]]:
    """Versions of a batch that are published, and what is parked as tampered: version and reason."""
    batch = read_batch(stream_records(rows), chain)
    assert all(each.tampered for each in batch.unpublishable)
    published = [line.version for lines in batch.lines.values() for line in lines]
    return published, [(each.version, each.reason) for each in batch.unpublishable]


def amounts(chain: ChainCheck, *rows: EventRow) -> list[bool]:
    """Whether each published event has the genuine amount."""
    batch = read_batch(stream_records(rows), chain)
    return [b'"amount":250' in line.text for line in batch.lines.get(ACCOUNT, [])]


def rehashed(genuine: EventRow) -> EventRow:
    """The genuine content under a hash from nowhere."""
    return replace(genuine, hash=b"\x07" * 32)


@pytest.mark.parametrize("wrong", [edited, rehashed])
@pytest.mark.parametrize("version", [1, 2, 5])
def test_a_row_that_does_not_follow_from_its_predecessor_in_the_batch(
    version: int, wrong: Callable[[EventRow], EventRow]
) -> None:
    rows = [credited(each) for each in range(max(1, version - 1), version)]
    published, refused = taken(ChainCheck(), *rows, wrong(credited(version)))
    assert published == [each.version for each in rows]
    assert refused == [(str(version), f"its hash does not follow from version {version - 1}")]


def test_the_first_version_follows_from_a_constant_that_every_container_knows() -> None:
    assert taken(ChainCheck(), credited(1)) == ([1], [])
    assert taken(ChainCheck(), follow(b"\x01" * 32, row(1)))[0] == []


def test_events_after_a_refused_one_go_on() -> None:
    published, refused = taken(ChainCheck(), credited(3), edited(credited(4)), credited(5), credited(6))
    assert (published, [version for version, _ in refused]) == ([3, 5, 6], ["4"])


def test_rows_edited_under_their_genuine_hashes_are_all_refused() -> None:
    rows = [credited(3), *(edited(credited(version)) for version in (4, 5, 6)), credited(7)]
    published, refused = taken(ChainCheck(), *rows)
    assert (published, [version for version, _ in refused]) == ([3, 7], ["4", "5", "6"])


def test_a_row_that_does_not_fit_even_what_a_refused_one_claims_is_refused_with_it() -> None:
    published, refused = taken(ChainCheck(), credited(3), rehashed(edited(credited(4))), credited(5), credited(6))
    assert (published, [version for version, _ in refused]) == ([3, 6], ["4", "5"])


def test_a_row_after_one_whose_hash_was_made_anew_is_refused_and_the_next_goes_on() -> None:
    """Of the two that do not fit, nobody can say which one is forged: both are named by the alarm and the gap."""
    published, refused = taken(ChainCheck(), forged(credited(4)), credited(5), credited(6))
    assert (published, [version for version, _ in refused]) == ([4, 6], ["5"])


@pytest.mark.parametrize("second", [edited(credited(4)), forged(credited(4)), replace(credited(4), hash=bytes(32))])
@pytest.mark.parametrize("known", [[], [credited(3)]], ids=["nothing known", "predecessor known"])
def test_of_two_inserts_of_one_version_the_first_counts(second: EventRow, known: Sequence[EventRow]) -> None:
    rows = [*known, credited(4), second, credited(5)]
    assert amounts(ChainCheck(), *rows) == [True] * (len(rows) - 1)
    published, refused = taken(ChainCheck(), *rows)
    assert (published[-2:], [version for version, _ in refused]) == ([4, 5], ["4"])


def test_of_two_inserts_the_first_that_follows_counts() -> None:
    chain = ChainCheck()
    assert amounts(chain, credited(3), edited(credited(4)), credited(4)) == [True, True]


def test_the_same_insert_twice_in_a_batch_is_one() -> None:
    assert taken(ChainCheck(), credited(4), credited(4), credited(5), credited(4)) == ([4, 5], [])


@pytest.mark.parametrize("wrong", [edited(credited(5)), replace(credited(5), hash=bytes(32))])
def test_a_row_is_checked_against_what_the_container_took_before(wrong: EventRow) -> None:
    chain = ChainCheck()
    taken(chain, credited(4))
    assert taken(chain, wrong)[0] == []
    assert taken(chain, wrong)[0] == [], "nor when it is delivered again"
    assert taken(chain, credited(5)) == ([5], []), "the genuine one is not to blame"


@pytest.mark.parametrize("wrong", [edited(credited(5)), forged(credited(5))])
def test_another_row_at_a_version_that_was_published_is_refused(wrong: EventRow) -> None:
    chain = ChainCheck()
    taken(chain, credited(5))
    assert taken(chain, wrong) == ([], [("5", "another row came before it as version 5")])
    assert taken(chain, wrong, credited(6))[0] == [6], "what was taken counts more than what the batch claims"
    assert taken(chain, forged(credited(5)), follow(forged(credited(5)).hash, row(6)))[0] == []


@pytest.mark.parametrize("wrong", [edited(credited(5)), forged(credited(5)), replace(credited(5), hash=b"x" * 32)])
def test_a_forged_row_that_could_not_be_checked_is_found_when_the_genuine_one_comes(wrong: EventRow) -> None:
    """Two of the account at the most are parked with it; then it goes on."""
    chain = ChainCheck()
    assert taken(chain, wrong)[0] == [5], "nothing is known of version 4"
    found = [taken(chain, credited(version)) for version in (5, 6, 7, 8)]
    assert found[0] == ([], [("5", "another row came before it as version 5")])
    assert [published for published, _ in found[2:]] == [[7], [8]]


def test_it_forgets_the_rows_that_were_not_seen_for_longest() -> None:
    chain = ChainCheck(known_rows=2)
    for version in (1, 2, 3):
        taken(chain, credited(version))
    assert taken(chain, forged(credited(1))) == ([1], []), "forgotten, and it follows from the constant"
    chain = ChainCheck(known_rows=2)
    for version in (1, 2, 1, 3):
        taken(chain, credited(version))
    assert taken(chain, forged(credited(1)))[0] == [], "delivered again, so seen not long ago"


def test_accounts_are_apart() -> None:
    chain = ChainCheck()
    taken(chain, credited(4, OTHER))
    assert taken(chain, credited(5), credited(4)) == ([4, 5], [])


def test_a_row_that_cannot_be_published_counts_in_the_chain() -> None:
    unknown = follow(credited(3).hash, replace(credited(4), type="BalanceGuessed"))
    chain = ChainCheck()
    batch = read_batch(stream_records([credited(3), unknown]), chain)
    assert [(each.version, each.tampered) for each in batch.unpublishable] == [("4", False)]
    assert taken(chain, follow(unknown.hash, row(5)))[0] == [5]
    assert taken(chain, edited(credited(5)))[0] == []


def test_what_is_refused_is_parked_under_a_name_of_its_own() -> None:
    records = [stream_record(each) for each in (credited(3), edited(credited(4)))]
    (first,) = read_batch(records, ChainCheck()).unpublishable
    (again,) = read_batch(records, ChainCheck()).unpublishable
    (other,) = read_batch([records[0], stream_record(replace(credited(4), hash=bytes(32)))], ChainCheck()).unpublishable
    assert first.name == again.name
    assert first.name.startswith(f"{ACCOUNT}/4.tampered-")
    assert len({first.name, other.name, f"{ACCOUNT}/4"}) == 3


@pytest.mark.parametrize("seed", range(50))
def test_genuine_rows_are_never_refused_however_they_are_delivered(seed: int) -> None:
    rng = random.Random(seed)
    rows = [credited(version, account) for account in (ACCOUNT, OTHER) for version in range(1, 13)]
    chain = ChainCheck(known_rows=rng.choice((1, 5, 1000)))
    for _ in range(30):
        assert taken(chain, *rng.choices(rows, k=rng.randint(1, 30)))[1] == []
