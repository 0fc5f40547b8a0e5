"""Commands under an expected version (If-Match)."""

from __future__ import annotations

import pytest

from lambdas.eventsourcing.errors import PreconditionFailedError
from tests.support.backends import Backend
from tests.support.recording import whole_history
from tests.support.stores import OvertakenStore
from tests.support.taker import Taker
from tests.support.tally import Others, TallyError, repository


@pytest.mark.parametrize("expected", [{2}, {1, 2}, {2, 3}])
def test_expected_version(backend: Backend, stream_id: str, others: Others, expected: set[int]) -> None:
    others(50)
    others(50)

    assert Taker(repository(backend.store), stream_id).take(10, expected=expected) == 3


@pytest.mark.parametrize("expected", [set(), {1}, {3}, {1, 3}])
@pytest.mark.parametrize("warm", [True, False])
def test_unexpected_version(backend: Backend, stream_id: str, others: Others, expected: set[int], warm: bool) -> None:
    others(50)
    others(50)
    taker = Taker(repository(backend.store), stream_id)
    if warm:
        taker.repo.load(stream_id)

    with pytest.raises(PreconditionFailedError) as caught:
        taker.take(10, expected=expected)

    assert (caught.value.stream_id, caught.value.version) == (stream_id, 2)
    assert taker.decided_on == []


def test_lost_race_under_an_expected_version_is_no_new_decision(
    backend: Backend, stream_id: str, others: Others
) -> None:
    others(50)
    taker = Taker(repository(OvertakenStore(backend.store, [lambda: others(1)] * 5)), stream_id)

    with pytest.raises(PreconditionFailedError) as caught:
        taker.take(10, expected={1})

    assert caught.value.version == 2
    assert taker.decided_on == [50]
    assert len(whole_history(backend.store, stream_id)) == 2


def test_lost_race_that_ends_at_an_expected_version(backend: Backend, stream_id: str, others: Others) -> None:
    others(50)
    taker = Taker(repository(OvertakenStore(backend.store, [lambda: others(1)])), stream_id)

    assert taker.take(10, expected={1, 2}) == 3
    assert taker.decided_on == [50, 51]


def test_failed_precondition_tells_the_version_of_a_read_in_this_request(
    backend: Backend, stream_id: str, others: Others
) -> None:
    """Not that of the winner's row, which is behind by two."""
    others(50)
    taker = Taker(repository(OvertakenStore(backend.store, [lambda: [others(1), others(1), others(1)]])), stream_id)

    with pytest.raises(PreconditionFailedError) as caught:
        taker.take(10, expected={1})

    assert caught.value.version == 4


@pytest.mark.parametrize("expected", [set(), {1}])
def test_expected_version_of_an_unknown_stream(backend: Backend, stream_id: str, expected: set[int]) -> None:
    """The domain says what is wrong: there is nothing whose version could be another."""
    taker = Taker(repository(backend.store), stream_id)

    with pytest.raises(TallyError):
        taker.take(10, expected=expected)

    assert taker.decided_on == [None]
