"""Conditional requests: an account's entity tag is its version. Source: RFC 9110, sections 5.6.1, 8.8.3 and 13.1."""

from __future__ import annotations

import re

from msgspec import Struct

from lambdas.httpapi.errors import InvalidRequestError

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAG_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*(?:[ \t]*,[ \t,]*)?")
_EACH_TAG = re.compile(_TAG)
_STRONG_VERSION = re.compile(r'"([1-9][0-9]{0,15})"')


class EntityTags(Struct, frozen=True):
    """The tags of an If-Match or If-None-Match header as sent; `any` stands for `*`."""

    tags: tuple[str, ...]
    any: bool = False

    def strong_versions(self) -> frozenset[int] | None:
        """The versions that match by strong comparison; weak and foreign tags never match. None means any version."""
        if self.any:
            return None
        matches = [_STRONG_VERSION.fullmatch(tag) for tag in self.tags]
        return frozenset(int(match[1]) for match in matches if match)

    def weakly_match(self, version: int) -> bool:
        """Whether a tag names the version by weak comparison."""
        return self.any or entity_tag(version) in {tag.removeprefix("W/") for tag in self.tags}

    def canonical(self) -> str:
        """The tags as text: each once and sorted, so that headers that name the same tags give the same text."""
        return "*" if self.any else ", ".join(sorted(set(self.tags)))


def entity_tag(version: int) -> str:
    """The strong tag of a version."""
    return f'"{version}"'


def parse_entity_tags(header: str, value: str) -> EntityTags:
    """Read `*` or a list of entity tags; empty members do not count. Raises InvalidRequestError for the header."""
    value = value.strip(" \t")
    if value == "*":
        return EntityTags((), any=True)
    if _TAG_LIST.fullmatch(value) is None:
        raise InvalidRequestError(
            header, 'must be an ETag as it was answered, such as "2", several of them with commas between, or *'
        )
    return EntityTags(tuple(_EACH_TAG.findall(value)))
