"""Whether a block shows what the page says it shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

ANY_LINES: Final = "..."
ANY_CHARACTERS: Final = "…"


def difference(expected: str, shown: str) -> str | None:
    """None where all that is shown fits; else the first line of the page that does not, and all that is shown.

    `...` alone on a line is any number of lines, `…` any characters of one. White space at the ends of lines is not
    looked at, nor are blank lines before and after all.
    """
    wanted, seen = _lines(expected), _lines(shown)
    text = "".join(f"{line}\n" for line in seen)
    if re.fullmatch(_pattern(wanted), text):
        return None
    fits = next((count for count in range(len(wanted)) if not re.match(_pattern(wanted[: count + 1]), text)), None)
    said = (
        "more is shown than the page says"
        if fits is None
        else f"not shown, or not here: {wanted[fits] or '(a blank line)'}"
    )
    return "\n".join([said, *(f"    {line}" for line in seen or ["(nothing)"])])


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def _pattern(lines: Sequence[str]) -> str:
    return "".join(
        r"(?:.*\n)*" if line == ANY_LINES else ".*".join(map(re.escape, line.split(ANY_CHARACTERS))) + r"\n"
        for line in lines
    )
