"""Entity tags and cursors, as properties."""

from __future__ import annotations

import contextlib

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from lambdas.httpapi.conditional import entity_tag, parse_entity_tags
from lambdas.httpapi.errors import InvalidRequestError
from lambdas.httpapi.paging import decode_cursor, encode_cursor

VERSIONS = st.integers(1, 10**15)


@given(st.lists(VERSIONS, min_size=1, max_size=5), st.sampled_from([",", ", ", " ,\t"]))
@settings(deadline=None)
def test_a_list_matches_its_versions_only(versions: list[int], separator: str) -> None:
    strong = parse_entity_tags("If-Match", separator.join(map(entity_tag, versions)))
    weak = parse_entity_tags("If-Match", separator.join(f"W/{entity_tag(version)}" for version in versions))
    assert strong.strong_versions() == frozenset(versions)
    assert weak.strong_versions() == frozenset()
    for tags in (strong, weak):
        assert all(tags.weakly_match(version) for version in versions)
        assert not tags.weakly_match(max(versions) + 1)


@given(st.text(max_size=30) | st.text('",W/* \t1', max_size=20))
@settings(deadline=None)
def test_any_header_is_a_list_or_refused(value: str) -> None:
    with contextlib.suppress(InvalidRequestError):
        tags = parse_entity_tags("If-Match", value)
        assert parse_entity_tags("If-Match", tags.canonical()).canonical() == tags.canonical()


@pytest.mark.parametrize("value", ['"7", "1"', '"1","7"', '"1", "1", "7"', '"7", "1", "7",'])
def test_a_list_is_a_set_and_has_one_text(value: str) -> None:
    assert parse_entity_tags("If-Match", value).canonical() == '"1", "7"'


@pytest.mark.parametrize(
    "value",
    ['W/"' * 50_000, '"a"' + "," * 100_000 + "x", '"a"' + " " * 100_000 + "x", '"a", ,' * 30_000 + "x", ", " * 90_000],
    ids=len,
)
def test_long_headers_are_refused_at_once(value: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_entity_tags("If-Match", value)


@pytest.mark.parametrize(
    "value", ['"2",', ',"2"', ' , "2" ,, ', '"2",\t,"2"', ',,"2"' + "," * 50_000], ids=lambda v: v[:12]
)
def test_empty_members_of_a_list_do_not_count(value: str) -> None:
    assert parse_entity_tags("If-Match", value).strong_versions() == frozenset({2})


@given(st.integers(2, 10**15))
@settings(deadline=None)
def test_a_cursor_comes_back(before: int) -> None:
    assert decode_cursor(encode_cursor(before)) == before


@given(st.text(max_size=20) | st.text("MTAz-_=", max_size=8))
@settings(deadline=None)
def test_any_cursor_is_one_of_ours_or_refused(cursor: str) -> None:
    with contextlib.suppress(InvalidRequestError):
        before = decode_cursor(cursor)
        assert before >= 2
        assert encode_cursor(before) == cursor
