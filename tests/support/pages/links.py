"""Whether relative links lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.support.pages.page import Page, Problem, read_page


def broken_links(page: Page, root: Path) -> Iterator[Problem]:
    """Every link to a file that is not there, or to a heading that a page of Markdown does not have."""
    for link in page.links:
        url = urlsplit(link.text)
        if url.scheme or url.netloc:
            continue
        target = (root / page.name).parent / unquote(url.path) if url.path else root / page.name
        if not target.exists():
            yield Problem(page.name, link.line, f"there is no {link.text}")
        elif url.fragment and target.suffix == ".md":
            found = read_page(target.parent, target.name)
            if unquote(url.fragment) not in found.anchors:
                yield Problem(page.name, link.line, f"no heading for the anchor of {link.text}")
