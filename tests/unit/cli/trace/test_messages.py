"""The messages by which a trace knows what a line tells are those that the functions write."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.trace import log_stages

LAMBDAS = Path(__file__).parents[4] / "lambdas"


@pytest.mark.parametrize(
    ("message", "module"),
    [
        (log_stages.ANSWERED, "httpapi/application.py"),
        (log_stages.ENDED, "handlers/command_processor.py"),
        (log_stages.PUBLISHED, "handlers/event_publisher.py"),
    ],
)
def test_a_function_writes_it(message: str, module: str) -> None:
    assert f'"{message}"' in (LAMBDAS / module).read_text(encoding="utf-8")
