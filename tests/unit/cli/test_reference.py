"""docs/cli.md and docs/cli.schema.json are what the application says."""

from __future__ import annotations

import shlex

import pytest
import typer

from cli import reference
from cli.app import app
from cli.commands import COMMANDS
from cli.errors import ExitStatus


@pytest.mark.parametrize(
    ("path", "content"),
    [(reference.PAGE, reference.page), (reference.SCHEMA, reference.schema)],
    ids=["page", "schema"],
)
def test_what_is_committed_is_what_the_application_says(path: object, content: object) -> None:
    assert path.read_text(encoding="utf-8") == content(), "run the module `cli.reference`"  # type: ignore[attr-defined, operator]


def test_every_command_has_a_document_and_every_status_a_line() -> None:
    assert tuple(reference.DOCUMENTS) == COMMANDS
    page = reference.page()
    assert all(f"| {int(each)} | {each.meaning} |" in page for each in ExitStatus)


@pytest.mark.parametrize("line", [line for _, line in reference.HOW])
def test_what_is_shown_can_be_typed(line: str) -> None:
    program, *words = shlex.split(line.replace("ACCOUNT_ID", "d52e0c88-49f6-4b8d-8092-6294f2b89123"))
    assert program == "daybook"
    group = typer.main.get_command(app)
    if words == ["--install-completion"]:
        return
    context = group.make_context("daybook", [words[0]], resilient_parsing=True)
    command = group.get_command(context, words[0])  # type: ignore[attr-defined]
    assert command.make_context(words[0], words[1:])
