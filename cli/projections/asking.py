"""Asks before something that costs money or deletes."""

from __future__ import annotations

import sys

import typer

from cli.errors import UsageError
from cli.projections.request import Request


def ask(request: Request, question: str) -> None:
    """Go on if the person at the terminal says yes, or has said so by --yes.

    Raises UsageError where nobody can answer, or the answer is no.
    """
    if request.yes:
        return
    if request.output.json or not sys.stdin.isatty():
        raise UsageError("Nobody can be asked here: give --yes.")
    if not typer.confirm(question, err=True):
        raise UsageError("Nothing was done.")
