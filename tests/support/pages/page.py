"""A page of Markdown as tests see it: its fenced blocks, what stands in backticks, links and headings.

How a block is marked, behind the three backticks:

sh local              run by bash in the order of the page, on the running local system; state carries over
sh aws, sql aws       needs an AWS account: not run, but counted, and its lines are checked
sh setup              installs, starts, stops or tests: not run, but its lines are checked
sql local             one statement, run by `daybook sql`
text output           directly behind a block that is run: what it shows. `...` alone on a line stands for any lines, an
                      ellipsis character for any characters. `text output exit 1` says that the block fails like that
python, js            a part of a file, which a comment before it names: <!-- from docs/examples/NAME.py -->
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

MARKDOWN: Final = MarkdownIt("commonmark").enable("table")
FROM: Final = re.compile(r"<!-- from (\S+) -->")
OUTPUT: Final = re.compile(r"text output(?: exit (\d+))?")


@dataclass(frozen=True)
class Shown:
    """What a block shows on standard output, and its exit status."""

    text: str
    exit_status: int


@dataclass(frozen=True)
class Block:
    """A block; `line` is that of its fence, from 1. `source` names the file that a comment says it is part of."""

    info: str
    text: str
    line: int
    shown: Shown | None = None
    source: str | None = None

    @property
    def language(self) -> str:
        """The first word behind the backticks; empty where there is none, or where the block is indented."""
        return self.info.partition(" ")[0]

    @property
    def is_run(self) -> bool:
        """Whether it is run on the local system."""
        return self.info in {"sh local", "sql local"}

    @property
    def needs_aws(self) -> bool:
        """Whether nobody runs it without an AWS account."""
        return self.info in {"sh aws", "sql aws"}


@dataclass(frozen=True)
class Mention:
    """Something on a line, which counts from 1: what stands in backticks, or where a link leads."""

    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """A page. `name` is its path from the repository, with slashes. A block's output is no block of its own."""

    name: str
    blocks: tuple[Block, ...]
    code: tuple[Mention, ...]
    links: tuple[Mention, ...]
    anchors: frozenset[str]


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a page: a sentence, and what was seen."""

    page: str
    line: int
    sentence: str
    detail: str = ""

    def __str__(self) -> str:
        """As editors link it."""
        return f"{self.page}:{self.line}: {self.sentence}" + (f"\n{self.detail}" if self.detail else "")


def read_page(root: Path, name: str) -> Page:
    """Parse a page below a folder."""
    tokens = MARKDOWN.parse((root / name).read_text("utf-8"))
    inline = [(child, _line(token)) for token in tokens for child in token.children or ()]
    return Page(
        name=name,
        blocks=tuple(_blocks(tokens)),
        code=tuple(Mention(child.content, line) for child, line in inline if child.type == "code_inline"),
        links=tuple(
            Mention(str(child.attrs[attribute]), line)
            for child, line in inline
            for attribute in ("href", "src")
            if attribute in child.attrs
        ),
        anchors=frozenset(_anchors(tokens)),
    )


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0


def _blocks(tokens: list[Token]) -> Iterable[Block]:
    """The blocks; one that is run and its output directly behind it are one."""
    found: dict[int, Block] = {}
    for place, token in enumerate(tokens):
        if token.type not in {"fence", "code_block"}:
            continue
        info = " ".join(token.info.split())
        before = found.get(place - 1)
        output = OUTPUT.fullmatch(info)
        if output and before and before.is_run and before.shown is None:
            found[place - 1] = replace(before, shown=Shown(token.content, int(output[1] or 0)))
        else:
            found[place] = Block(info, token.content, _line(token), source=_source(tokens[:place]))
    return found.values()


def _source(before: list[Token]) -> str | None:
    """The file that a comment directly before a block names."""
    comment = FROM.fullmatch(before[-1].content.strip()) if before and before[-1].type == "html_block" else None
    return comment[1] if comment else None


def _anchors(tokens: list[Token]) -> Iterator[str]:
    """What GitHub makes of headings: lower case, no punctuation, hyphens; a repeated one gets a number."""
    seen: dict[str, int] = {}
    for heading, content in pairwise(tokens):
        if heading.type == "heading_open":
            text = "".join(each.content for each in content.children or () if each.type in {"text", "code_inline"})
            slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
            times = seen.get(slug, 0)
            seen[slug] = times + 1
            yield f"{slug}-{times}" if times else slug
