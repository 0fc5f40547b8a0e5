"""Cursors of the list of accounts, opaque to clients.

A cursor holds a place in a listing (generation, group, shard and the last account read) and the filters that it was
made for. It protects nothing: whoever may list accounts may list all. But only what was answered is taken, so that
nobody builds on its form, and no text leads to a partition or a generation that no listing with these filters has.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, NoReturn

import msgspec

from lambdas.accounts.text import UUID_PATTERN
from lambdas.httpapi.errors import InvalidRequestError
from lambdas.httpapi.list_queries import Filters
from lambdas.projections.dynamodb.table import SHARDS, shard_of
from lambdas.projections.reading.listing import Cursor

LONGEST: Final = 300
"""Characters; what is longer is not even decoded."""

_AFTER: Final = re.compile(rf"^([A-Z]{{3}})#({UUID_PATTERN.removeprefix('^')})")


class _Content(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    generation: int
    group: str
    shard: int
    after: str
    status: str
    currency: str

    @property
    def filters(self) -> Filters:
        return Filters(self.status, self.currency)


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(_Content)


def encode_cursor(place: Cursor, filters: Filters) -> str:
    """The cursor of what follows a place in a listing with these filters."""
    content = _Content(place.generation, place.group, place.shard, place.after, filters.status, filters.currency)
    return base64.urlsafe_b64encode(_encode(content)).decode().rstrip("=")


def decode_cursor(cursor: str, filters: Filters) -> Cursor:
    """The reverse of `encode_cursor`. Raises InvalidRequestError for any other text, and for other filters."""
    content = _content(cursor)
    if content is None or not _possible(content):
        _refuse("must be the next_cursor of an earlier page, as it was answered")
    if content.filters != filters:
        _refuse("is of a list with other filters: give the status and currency of its first page")
    place = Cursor(content.generation, content.group, content.shard, content.after)
    if encode_cursor(place, filters) != cursor:
        _refuse("must be the next_cursor of an earlier page, as it was answered")
    return place


def _content(cursor: str) -> _Content | None:
    if len(cursor) > LONGEST:
        return None
    try:
        text = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return _decoder.decode(text)
    except (binascii.Error, UnicodeError, msgspec.MsgspecError, RecursionError):
        return None


def _possible(content: _Content) -> bool:
    """Whether a listing with its filters has this place. Which generations there are, only the control row knows."""
    after = _AFTER.match(content.after)
    return (
        content.generation >= 1
        and content.group in content.filters.groups
        and 0 <= content.shard < SHARDS
        and after is not None
        and after[1] == (content.filters.currency or after[1])
        and shard_of(after[2]) == content.shard
    )


def _refuse(reason: str) -> NoReturn:
    raise InvalidRequestError("cursor", reason)
