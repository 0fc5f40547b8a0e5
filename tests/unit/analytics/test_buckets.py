"""What the lake adds up, and what the verification does, are the same."""

from __future__ import annotations

from lambdas.contracts.contents import digest_text
from lambdas.verification.sums import Sums, bucket_of, number_of
from tests.unit.analytics.conftest import FIRST, SECOND, THIRD, A, B
from tests.unit.analytics.lake import Lake

ALL = [*FIRST, *SECOND, *THIRD]
BEFORE = "2026-03-03"


def test_sums_are_those_of_the_events_and_a_redelivery_does_not_count(lake: Lake) -> None:
    expected = Sums()
    for event in [*FIRST, *SECOND]:
        expected.add(event.subject, number_of("salt", digest_text(event)))
    found = Sums()
    for row in lake.query("event_buckets", settled=BEFORE, salt="salt"):
        found.events += row["events"]
        found.buckets[row["bucket"]] = row["total"]
    assert found == expected
    assert found.differing(Sums()) == sorted({bucket_of(event.subject) for event in ALL})


def test_another_salt_is_another_sum(lake: Lake) -> None:
    first, second = (lake.query("event_buckets", settled=BEFORE, salt=salt) for salt in ("salt", "pepper"))
    assert [row["bucket"] for row in first] == [row["bucket"] for row in second]
    assert not {row["total"] for row in first} & {row["total"] for row in second}


def test_accounts_of_some_buckets(lake: Lake) -> None:
    expected = Sums()
    for event in [*FIRST, *SECOND]:
        if event.subject == A:
            expected.add(A, number_of("salt", digest_text(event)))
    (row,) = lake.query("bucket_accounts", settled=BEFORE, salt="salt", buckets=f",{bucket_of(A)},")
    assert row == {"account_id": A, "events": 4, "total": expected.buckets[bucket_of(A)]}


def test_contents_of_some_accounts(lake: Lake) -> None:
    rows = lake.query("account_contents", settled=BEFORE, accounts=f",{B},")
    assert [(row["account_id"], row["version"], row["digest"]) for row in rows] == [
        (B, event.streamversion, digest_text(event)) for event in [*FIRST, *SECOND] if event.subject == B
    ]


def test_what_no_comparison_sees(lake: Lake) -> None:
    rows = lake.query("uncompared_events", latest=BEFORE)
    assert {row["id"] for row in rows} == {event.id for event in THIRD}
