"""The commands of `daybook`. Each is a package of its own, whose `command` module is imported only when it is used.

The help lists all commands and one table of exit statuses, for which Typer's help has no place. It is written without
Rich, because the import of Rich takes as long as everything else. The help of each command is Typer's, with Rich.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from shutil import get_terminal_size
from typing import Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from cli.errors import ExitStatus

COMMANDS: Final = (
    "verify",
    "seal",
    "prove",
    "consistency",
    "sql",
    "report",
    "reconcile",
    "republish",
    "redrive",
    "restore",
    "projections",
    "doctor",
    "smoke",
    "trace",
)
"""For each, the docstring of `cli.NAME` is its summary, and `cli.NAME.command` has a function of that name."""

DASHED: Final = ("sql",)
"""Commands of which an argument may begin with a dash: a statement in SQL may begin with a comment."""


def summary(name: str) -> str:
    """What a command does, in one sentence."""
    return str(import_module(f"cli.{name}").__doc__)


class Commands(TyperGroup):
    """The group of commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the help."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; None for an unknown name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        alone = typer.Typer(add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
        function = getattr(import_module(f"cli.{cmd_name}.command"), cmd_name)
        settings = {"ignore_unknown_options": True} if cmd_name in DASHED else None
        alone.command(cmd_name, short_help=summary(cmd_name), context_settings=settings)(function)
        return get_command(alone)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help of `daybook` itself, as wide as the terminal."""
        formatter.width = get_terminal_size().columns
        formatter.write_usage(ctx.command_path, "COMMAND [OPTIONS] ...")
        formatter.write_paragraph()
        formatter.write_text(self.help)
        _section(formatter, "Commands", ((name, summary(name)) for name in COMMANDS))
        options = (record for each in self.get_params(ctx) if (record := each.get_help_record(ctx)))
        _section(formatter, "Options", ((name.replace(" <bool>", ""), text) for name, text in options))
        _section(formatter, "Exit statuses", ((str(int(each)), each.meaning) for each in ExitStatus))
        formatter.write_paragraph()
        formatter.write_text("`daybook COMMAND --help` shows a command's options. docs/cli.md describes all commands.")


def _section(formatter: Any, title: str, rows: Iterable[tuple[str, str]]) -> None:
    with formatter.section(typer.style(title, bold=True)):  # plain where it is no terminal: Typer sees to that
        formatter.write_dl([(typer.style(name, bold=True), text) for name, text in rows])
