"""The simple commands in a shell's text, found without running it."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Final

_ENDS: Final = frozenset("();|&\n")
_REDIRECTS: Final = frozenset("<>&|")
_KEYWORDS: Final = frozenset({"if", "then", "elif", "else", "while", "until", "do", "!", "{", "time", "exec"})
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_SUBSTITUTION: Final = re.compile(r"\$\(([^()'\"]+)\)")


def syntax_error(text: str) -> str | None:
    """What bash says about a text that it cannot read."""
    checked = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    return f"bash cannot read this: {checked.stderr.strip()}" if checked.returncode else None


def commands(text: str) -> Iterator[list[str]]:
    """Each command as its words, without assignments or keywords before it and without redirections.

    Those inside `"$(…)"` follow the command that they are part of. Here-documents are not understood. Raises ValueError
    at a quotation mark without its partner.
    """
    lexer = shlex.shlex(_Text(text.replace("\\\n", " ")), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split = " \t\r", True
    words: list[str] = []
    for token in lexer:
        if set(token) <= _ENDS:
            yield from _command(words)
            words = []
        elif set(token) <= _REDIRECTS:
            if words and words[-1] in {"1", "2"}:
                words.pop()  # the 2 of 2>file
            next(lexer, None)
        else:
            words.append(token)
    yield from _command(words)


def _command(words: list[str]) -> Iterator[list[str]]:
    while words and (words[0] in _KEYWORDS or _ASSIGNMENT.fullmatch(words[0])):
        words = words[1:]
    if words:
        yield words
    for word in words:
        for inner in _SUBSTITUTION.findall(word):
            yield from commands(inner)


class _Text:
    """Read by shlex, which skips a comment by reading a line; but the line's end is also the end of a command."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def read(self, size: int, /) -> str:
        """The next characters."""
        self._at += size
        return self._text[self._at - size : self._at]

    def readline(self) -> str:
        """The rest of the line, without its end."""
        line = self._text[self._at :].partition("\n")[0]
        self._at += len(line)
        return line

    def close(self) -> None:
        """Nothing is open."""
