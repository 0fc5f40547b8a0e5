"""The help of `daybook` itself: its commands, its options, and the exit statuses of all commands in one table.

Typer's own help has no table to offer for the statuses, and imports Rich's reader of Markdown, which takes longer than
all the rest. The help of each command is Typer's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typer.core import TyperGroup

from cli.errors import ExitStatus


class CommandsHelp(TyperGroup):
    """The group of commands."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help to standard output."""
        del formatter
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False)
        console.print(f"\nUsage: [bold]{ctx.command_path}[/bold] COMMAND [OPTIONS] …\n")
        console.print(Text(f"{self.help}\n"))
        commands = ((name, self.commands[name].get_short_help_str(limit=200)) for name in self.list_commands(ctx))
        options = (record for each in self.get_params(ctx) if (record := each.get_help_record(ctx)))
        _table(console, "Commands", commands)
        _table(console, "Options", ((name.replace(" <bool>", ""), text) for name, text in options))
        _table(console, "Exit statuses", ((str(int(each)), each.meaning) for each in ExitStatus))
        console.print(Text("`daybook COMMAND --help` shows a command's options. docs/cli.md has it all on one page.\n"))


def _table(console: Any, title: str, rows: Iterable[tuple[str, str]]) -> None:
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 3))
    grid.add_column(style="bold cyan", no_wrap=True)
    grid.add_column()
    for name, text in rows:
        grid.add_row(Text(name), Text(text))
    console.print(Panel(grid, title=title, title_align="left", border_style="dim"))
