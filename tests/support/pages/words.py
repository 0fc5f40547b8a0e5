"""Whether the commands that a page names exist: `daybook …`, read by the application, and `make …`, by the Makefile."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from typer.exceptions import TyperException
from typer.main import get_command

from cli.app import PROGRAM, app
from cli.commands import COMMANDS
from tests.support.pages.commands import commands, syntax_error
from tests.support.pages.page import Block, Page, Problem

ANSWERS: Final = frozenset({"help", "sql", "status", "logs"})
"""The targets of the Makefile that a block may run on a system that other tests share."""

PLACEHOLDER: Final = re.compile(r"[A-Z][A-Z_]*|.*\$.*|…", re.DOTALL)
EXAMPLES: Final = ("0b8f0a1e-6c1f-4a8e-9d57-0d3f6f6f2f10", "2026-03-01", "1")
"""Values that a placeholder may stand for: an id, a day, a number."""


def unknown_words(page: Page, root: Path) -> Iterator[Problem]:
    """Every line of a block, and everything in backticks, that names what the application or the Makefile lacks."""
    makefile = (root / "Makefile").read_text("utf-8")
    for block in page.blocks:
        if block.language == "sh":
            yield from (Problem(page.name, block.line, sentence) for sentence in _unknown_in(block, makefile))
    for mention in page.code:
        for sentence in _unknown(_words(mention.text), makefile, is_whole=False):
            yield Problem(page.name, mention.line, sentence)


def _unknown_in(block: Block, makefile: str) -> Iterator[str]:
    if sentence := syntax_error(block.text):
        yield sentence
        return
    try:
        found = list(commands(block.text))
    except ValueError as error:
        yield f"the commands of this block cannot be told apart: {error}"
        return
    for words in found:
        refused = list(_unknown(words, makefile, is_whole=True))
        yield from refused
        if not refused and block.info == "sh local" and words[0] == "make" and (more := _targets(words) - ANSWERS):
            yield f"`make {' '.join(sorted(more))}` is no part of `sh local`: `sh setup`"


def _words(mention: str) -> list[str]:
    try:
        return shlex.split(mention)
    except ValueError:  # a quotation mark without its partner: it is part of something
        return mention.split()


def _unknown(words: list[str], makefile: str, *, is_whole: bool) -> Iterator[str]:
    program = words[0].rpartition("/")[2] if words else ""
    if program == "make":
        yield from _unknown_to_make(words, makefile)
    elif program == PROGRAM:
        yield from _unknown_to_daybook(words[1:], is_whole=is_whole)
    elif is_whole and PROGRAM in words:  # `xargs daybook verify`: it gets more words
        yield from _unknown_to_daybook(words[words.index(PROGRAM) + 1 :], is_whole=False)
    elif not is_whole and len(words) > 1 and program in COMMANDS and words[1].startswith("-"):
        yield from _unknown_to_daybook(words, is_whole=False)  # `redrive --failed-on DAY`


def _targets(words: list[str]) -> set[str]:
    named = {word for word in words[1:] if "=" not in word and not word.startswith("-")}
    return {word for word in named if not PLACEHOLDER.fullmatch(word)}


def _unknown_to_make(words: list[str], makefile: str) -> Iterator[str]:
    for target in sorted(_targets(words)):
        if not re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE):
            yield f"the Makefile has no target {target}"
    for name in (word.partition("=")[0] for word in words[1:] if "=" in word):
        if not re.search(rf"\$\(.*\b{re.escape(name)}\b|^{re.escape(name)}\b", makefile, re.MULTILINE):
            yield f"the Makefile has no variable {name}"


def _unknown_to_daybook(words: Sequence[str], *, is_whole: bool) -> Iterator[str]:
    group: Any = get_command(app)
    name = words[0] if words else ""
    if not name or name.startswith("-"):
        yield from _unknown_options(words, group)
    elif not PLACEHOLDER.fullmatch(name):
        command = group.get_command(None, name)
        if command is None:
            yield f"{PROGRAM} has no command {name}"
        elif is_whole and "--help" not in words:
            yield from _refusal(command, words)
        else:
            yield from _unknown_options(words, command)


def _unknown_options(words: Sequence[str], command: Any) -> Iterator[str]:
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    for word in words:
        option = word.partition("=")[0].rstrip(",.")
        if option.startswith("-") and option != "-" and option not in known:
            yield f"{PROGRAM} {command.name or ''}".rstrip() + f" has no option {option}"


def _refusal(command: Any, words: Sequence[str]) -> Iterator[str]:
    """What the application says about a whole command line, which is read and not carried out.

    ACCOUNT_ID and "$DAY" show what to write. As long as a refusal is about one of them, other values are tried.
    """
    line = list(words[1:])
    to_try = {place: iter(EXAMPLES) for place, word in enumerate(line) if PLACEHOLDER.fullmatch(word)}
    tried: list[int] = []
    while True:
        try:
            command.make_context(words[0], list(line))
        except TyperException as refused:
            sentence = refused.format_message()
            # The one that was tried last comes first: others may have the same value by now.
            place = next((place for place in [*tried[-1:], *to_try] if repr(line[place]) in sentence), None)
            example = next(to_try[place], None) if place is not None else None
            if place is None or example is None:
                yield f"`{shlex.join([PROGRAM, *words])}`: {sentence}"
                return
            line[place] = example
            tried.append(place)
        else:
            return
