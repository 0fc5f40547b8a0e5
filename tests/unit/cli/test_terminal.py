"""`daybook` as a person sees it: in a real terminal and in a pipe, held against transcripts.

DAYBOOK_WRITE_TRANSCRIPTS=1 writes the transcripts anew; read what changed before it is committed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from cli.commands import COMMANDS

pytestmark = pytest.mark.programs

TRANSCRIPTS = Path(__file__).parent / "transcripts"
DAYBOOK = str(Path(sys.executable).parent / "daybook")
WRITE = "DAYBOOK_WRITE_TRANSCRIPTS"
ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
COLOUR = re.compile(r"\x1b\[(?:[0-9;]*;)?(?:3[0-9]|9[0-7])(?:;[0-9;]*)?m")
SECONDS = 30
ACCOUNT = "d52e0c88-49f6-4b8d-8092-6294f2b89123"
NOWHERE = ["--environment-file", "nowhere.json"]

LINES = {
    "help": [["--help"]],
    **{f"help-{name}": [[name, "--help"]] for name in COMMANDS},
    "wrong-usage": [
        [],
        ["nope"],
        ["verify"],
        ["verify", "not-a-uuid"],
        ["verify", ACCOUNT, *NOWHERE],
        ["seal", "--through", "yesterday"],
        ["prove", ACCOUNT],
        ["prove", ACCOUNT, "3", "--history"],
        ["prove", ACCOUNT, "first"],
        ["consistency"],
        ["sql", "--name", "account_statement", *NOWHERE],
        ["sql", "SELECT 1", "--csv", "--json"],
        ["sql", "SELECT 1", "--env", "prd"],
        ["report", "--late-days", "9"],
        ["reconcile", "--from", "yesterday"],
        ["republish"],
        ["republish", "--account", ACCOUNT, "--parked"],
        ["redrive", "--failed-on", "2026-11-22", "--delete"],
        ["projections"],
        ["projections", "rebuilt"],
        ["projections", "rebuild"],
        ["projections", "rebuild", "balances"],
        ["projections", "compare"],
        ["projections", "switch", "daily_totals", "--follow"],
        ["projections", "retry", "daily_totals"],
        ["projections", "retry", "daily_totals", ACCOUNT, "--all"],
        ["projections", "status", "--follow", "--json"],
    ],
    "json": [[name, *words, *NOWHERE, "--json"] for name, words in {
        "verify": [ACCOUNT], "seal": [], "prove": [ACCOUNT, "3"], "consistency": ["5"],
        "sql": ["SELECT 1"], "report": [], "reconcile": ["--from", "2026-11-01"],
        "republish": ["--parked"], "redrive": ["--parked"], "trace": ["order-17"], "projections": ["list"],
    }.items()],
}  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
        "PATH": f"{Path(DAYBOOK).parent}:{kept['PATH']}",
        **more,
    }


def in_a_terminal(words: list[str], folder: Path, **more: str) -> tuple[str, int]:
    """What appears on 80 columns, and the exit status."""
    child = pexpect.spawn(
        DAYBOOK, words, cwd=folder, env=environment(**more), dimensions=(40, 80), timeout=SECONDS, encoding="utf-8"
    )
    shown = child.read().replace("\r\n", "\n")
    child.close()
    assert child.exitstatus is not None
    return shown, child.exitstatus


def in_a_pipe(words: list[str], folder: Path) -> tuple[str, int]:
    """What arrives in one pipe for both streams, and the exit status."""
    ended = subprocess.run(
        [DAYBOOK, *words], cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=SECONDS, check=False,
    )  # fmt: skip
    return ended.stdout, ended.returncode


def transcript(runs: list[tuple[list[str], str, int]]) -> str:
    """Of each run the line typed, what was shown without a terminal's codes, and the exit status."""
    return "\n".join(
        "\n".join([f"$ {' '.join(['daybook', *words])}", *_lines(shown), f"[exit status {status}]\n"])
        for words, shown, status in runs
    )


def _lines(shown: str) -> list[str]:
    return [line.rstrip() for line in ANSI.sub("", shown).splitlines()]


@pytest.mark.parametrize("name", LINES)
def test_what_is_shown_is_in_the_transcript(name: str, tmp_path: Path) -> None:
    runs = [(words, *in_a_terminal(words, tmp_path)) for words in LINES[name]]
    found = transcript(runs)
    path = TRANSCRIPTS / f"{name}.txt"
    if WRITE in os.environ:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", LINES)
def test_in_a_pipe_it_is_the_same_without_a_terminals_codes(name: str, tmp_path: Path) -> None:
    runs = [(words, *in_a_pipe(words, tmp_path)) for words in LINES[name]]
    assert not any(ANSI.search(shown) for _, shown, _ in runs)
    assert transcript(runs) == (TRANSCRIPTS / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [["--json"], ["SELECT 1", "--json"]])
def test_a_reader_that_has_gone_is_no_finding(words: list[str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [DAYBOOK, "sql", *words, *NOWHERE]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment(), stdout=writer, stderr=subprocess.PIPE, check=False, timeout=SECONDS
    )
    os.close(writer)
    assert ended.returncode == 141
    assert b"Traceback" not in ended.stderr
    assert b"BrokenPipe" not in ended.stderr


def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("w") as stdout:
        ended = subprocess.run(
            [DAYBOOK, "sql", "SELECT 1", "--json", *NOWHERE], cwd=tmp_path, env=environment(), stdout=stdout,
            stderr=subprocess.PIPE, check=False, timeout=SECONDS, text=True,
        )  # fmt: skip
    assert ended.returncode == 141
    assert ended.stderr.endswith("daybook: the output could not be written: No space left on device\n")


def test_a_terminal_without_unicode_gets_all_of_the_help(tmp_path: Path) -> None:
    words = [DAYBOOK, "republish", "--from", "x", "--account", ACCOUNT]
    plain = environment() | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ended = subprocess.run(words, cwd=tmp_path, env=plain, capture_output=True, check=False, timeout=SECONDS)
    assert (ended.returncode, b"1, 2, 3 \\u2026" in ended.stderr) == (2, True)


def test_colours_are_for_those_who_want_them(tmp_path: Path) -> None:
    assert COLOUR.search(in_a_terminal(["verify", "--help"], tmp_path)[0])
    assert not COLOUR.search(in_a_terminal(["verify", "--help"], tmp_path, NO_COLOR="1")[0])


@pytest.mark.parametrize("command", [["-m", "cli"]])
def test_the_module_is_the_same_as_the_program(command: list[str], tmp_path: Path) -> None:
    """The alias is for who has no `.venv/bin` in PATH; no page needs it."""
    ended = subprocess.run(
        [sys.executable, *command, "redrive", "--parked", *NOWHERE], env=environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr == in_a_pipe(["redrive", "--parked", *NOWHERE], tmp_path)[0]


def test_ctrl_c_at_the_prompt_of_a_shell(tmp_path: Path) -> None:
    """Standard input is awaited: there is something to interrupt."""
    file = tmp_path / "environment.json"
    file.write_text('{"athena_workgroup": "w", "glue_database": "g", "region": "r", "athena_endpoint_url": "http://x"}')
    child = pexpect.spawn(
        DAYBOOK, ["sql", "-", "--environment-file", str(file)], env=environment(), timeout=SECONDS, echo=False
    )
    child.setwinsize(40, 80)
    child.delaybeforesend = None
    _wait_until_it_reads(child.pid)
    child.sendintr()
    child.expect_exact("interrupted")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def _wait_until_it_reads(pid: int) -> None:
    """The process sleeps in a read of its terminal. Source: Linux's proc(5), `wchan`, or its state on other kernels."""
    import time  # noqa: PLC0415

    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        syscall = Path(f"/proc/{pid}/syscall")
        if not syscall.exists():
            pytest.skip("no /proc here")
        try:
            doing = syscall.read_text()
        except PermissionError:
            pytest.skip("this kernel does not say what a child waits for")
        if doing.startswith("0 0x0 "):
            return
        time.sleep(0.02)
    raise AssertionError("it never read its standard input")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    start = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}[shell]
    prepare = {"bash": "", "zsh": "autoload -Uz compinit && compinit -u -D; "}[shell]
    child = pexpect.spawn(
        program, start, cwd=tmp_path, env=environment(PS1="> "), dimensions=(40, 120), timeout=SECONDS, encoding="utf-8"
    )
    child.sendline(f"{prepare}daybook --show-completion > completion && source ./completion && echo rea''dy")
    child.expect_exact("ready")
    for typed, completed in (
        ("daybook rec\t", "reconcile"),
        ("daybook sql --name daily_r\t", "daily_report"),
        ("daybook sql --env st\t", "staging"),
        ("daybook projections roll\t", "rollback"),
        ("daybook projections switch daily\t", "daily_totals"),
    ):
        child.send(typed)
        child.expect(completed)
        child.sendcontrol("u")
    child.close(force=True)
