"""Files are read as far as possible and replaced whole."""

from pathlib import Path

import pytest

from local.machine import files


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.json"
    files.write_json(path, {"a": 1})
    files.write_json(path, {"a": 2})
    assert files.read_json(path) == {"a": 2}
    assert [each.name for each in path.parent.iterdir()] == ["state.json"]


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", "\udcff"])
def test_a_broken_file_reads_as_empty(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content.encode("utf-8", errors="surrogateescape"))
    assert files.read_json(path) == {}
    assert files.read_json(tmp_path / "absent.json") == {}


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    files.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        files.write_json(path, {"a": object()})
    assert files.read_json(path) == {"a": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_the_tail_of_a_log_has_no_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n\ntwo  \n\xff\n")
    assert files.tail(path, 2) == "two\n�"
    assert files.tail(tmp_path / "absent") == ""
