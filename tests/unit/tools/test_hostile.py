"""Whatever a file or an argument holds: an answer, and never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.machine.layout import REPOSITORY
from tests.support.tiny_log import TinyLog, base64, entry, rows, rows_file
from tests.unit.tools.conftest import Ask
from tools import verify_proof as tool

Put = Callable[[str, bytes | str], Path]
CHAIN = rows(2)
LOG = TinyLog()
LOG.seal(*(entry(row) for row in CHAIN), "third")
HISTORY = rows_file(LOG, CHAIN)
GENUINE = [LOG.proof(1), LOG.consistency(2), LOG.checkpoint(), HISTORY]
BIG = "9" * 5000
ODD = [
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\0",
    b"\x1b[2J",
    b"-1",
    b"1e400",
    BIG.encode(),
    b"\xe2\x80\xae",
    b"\n" * 50,
    b"[" * 100_000,
]


def status_of(path: Path, content: bytes) -> int:
    path.write_bytes(content)
    return tool.main([str(path), "--key", LOG.vkey])


def pieces() -> st.SearchStrategy[bytes]:
    """Pieces of genuine files and of what is odd, in any order."""
    cut = [line for each in GENUINE for line in each.splitlines(keepends=True)]
    return st.lists(st.sampled_from([*cut, *ODD, b"\n"]) | st.binary(max_size=20), max_size=12).map(b"".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=pieces() | st.binary(max_size=300))
def test_any_content_is_answered(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = status_of(tmp_path / "file", content)
    printed = capsys.readouterr()
    assert status in {1, 2} or content in GENUINE
    assert "\x1b" not in printed.out + printed.err


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(line=st.integers(0, 2), name=st.integers(0, 11), value=VALUES)
def test_any_value_in_any_field_is_answered(
    line: int, name: int, value: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [json.loads(each) for each in HISTORY.splitlines()]
    names = list(lines[line])
    before = lines[line][names[name % len(names)]]
    lines[line][names[name % len(names)]] = value
    content = "".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n" for each in lines)
    status = status_of(tmp_path / "file", content.encode("utf-8", "surrogatepass"))
    assert status == (0 if type(value) is type(before) and value == before else 1)
    capsys.readouterr()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    arguments=st.lists(
        st.sampled_from(["proof", "rows", "log", "--key", "--entry", "--log", "--kept", "-", "--", "", LOG.vkey])
        | st.text(max_size=5)
    )
)
def test_any_command_line_is_answered(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main(arguments) in {1, 2}
    capsys.readouterr()


@pytest.mark.parametrize("text", [BIG, "1" * 20, str(2**63), "01", "-1", "+1", "1_0", "１", "", " 1", "1 ", "0x1"])
def test_numbers_have_one_form_and_a_bound(text: str) -> None:
    with pytest.raises(tool.No, match="no number"):
        tool.number_decode(text)


def test_the_largest_number_is_taken() -> None:
    assert tool.number_decode(str(2**63 - 1)) == 2**63 - 1


def test_a_huge_size_costs_nothing(ask: Ask, put: Put) -> None:
    note = LOG.sign(f"{LOG.origin}\n{2**63 - 1}\n{base64(bytes(32))}\n")
    proof = LOG.proof(1).partition(b"\n\n")[0] + b"\n\n" + note
    assert "fewer hashes" in ask(put("p", proof), "--key", LOG.vkey)[1]
    many = proof.replace(b"\n\n", b"\n" + b"\n".join([base64(bytes(32)).encode()] * 64) + b"\n\n", 1)
    assert "more than 63 hashes" in ask(put("p", many), "--key", LOG.vkey)[1]


@pytest.mark.parametrize("kind", ["proof", "rows", "checkpoint"])
def test_an_endless_file_ends(kind: str, ask: Ask) -> None:
    status, said = ask(kind, "/dev/zero", "--key", LOG.vkey)
    assert status == 1
    assert "more than" in said


def test_rows_that_never_end_are_not_read_to_their_end(put: Put, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    line = f'cat "{put("h", HISTORY)}" /dev/zero >"{pipe}"'
    with subprocess.Popen(["sh", "-c", line], stderr=subprocess.DEVNULL):
        assert tool.main(["rows", str(pipe), "--key", LOG.vkey]) == 1


def test_what_a_terminal_would_obey_is_not_printed(ask: Ask, put: Put) -> None:
    log = TinyLog()
    log.seal("\x7f\x9b\u202eright to left\u2028 né")
    status, said = ask(put("p", log.proof(0)), "--key", log.vkey)
    assert status == 0
    assert "\\x7f\\x9b\\u202eright to left\\u2028 né" in said


def test_a_terminal_that_knows_no_dashes(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(LOG.checkpoint().replace("— daybook".encode(), "— dæybook".encode()))
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "tools" / "verify_proof.py"), str(tmp_path / "p"), "--key", LOG.vkey],
        env={"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")


def test_a_folder_with_anything_in_it(tmp_path: Path, ask: Ask) -> None:
    assert ask(tmp_path, "--key", LOG.vkey) == (1, "no: checkpoint is missing from this copy of the log\n")
    (tmp_path / "checkpoint").mkdir()
    assert ask(tmp_path, "--key", LOG.vkey)[0] == 1
