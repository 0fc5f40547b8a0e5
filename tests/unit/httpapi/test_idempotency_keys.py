"""The keys that are taken, and under what they are stored."""

from __future__ import annotations

import contextlib
import hashlib

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from lambdas.httpapi.errors import InvalidRequestError
from lambdas.httpapi.idempotency_keys import HASHED, key_of

VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
KEYS = st.text(VISIBLE, min_size=1, max_size=255)


def quoted(key: str) -> str:
    """The key as RFC 8941 writes a string."""
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(KEYS)
@settings(deadline=None)
def test_the_quoted_form_names_the_same_key(key: str) -> None:
    stored = key_of(quoted(key))
    if not key.startswith('"'):
        assert key_of(key) == stored
    token = len(key) <= 64 and all(each.isalnum() or each in "._:-" for each in key)
    assert stored == (key if token else HASHED + hashlib.sha256(key.encode()).hexdigest())


@given(st.lists(KEYS, min_size=2, max_size=2, unique=True))
@settings(deadline=None)
def test_two_keys_are_never_stored_as_one(keys: list[str]) -> None:
    one, other = (key_of(quoted(key)) for key in keys)
    assert one != other


def test_a_hash_cannot_be_sent_as_a_token() -> None:
    stored = key_of("a/b")
    assert stored.startswith(HASHED)
    assert key_of(stored) != stored
    assert stored == "sha256=c14cddc033f64b9dea80ea675cf280a015e672516090a5626781153dc68fea11"


@given(st.text(max_size=300))
@settings(deadline=None)
def test_any_other_text_is_refused(text: str) -> None:
    with contextlib.suppress(InvalidRequestError):
        key_of(text)
        assert set(text.strip(" \t")) <= set(VISIBLE)


@pytest.mark.parametrize("length", [256, 300, 100_000])
@pytest.mark.parametrize("form", [str, quoted])
def test_long_keys_are_refused_at_once(length: int, form: type[str]) -> None:
    with pytest.raises(InvalidRequestError, match="1 to 255"):
        key_of(form("\\" * length))
