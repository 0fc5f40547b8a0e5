"""A plain copy of a log: everything is computed again, and whatever was done to an object is found."""

from __future__ import annotations

import shutil
import tracemalloc
from pathlib import Path

import pytest

from tests.support.tiny_log import ORIGIN, TinyLog
from tests.unit.tools.conftest import Ask
from tools import verify_proof as tool

SIZES = (0, 3, 256, 300, 600)


def log_of(*sizes: int, changed: int = -1, origin: str = ORIGIN) -> TinyLog:
    """A log with a seal up to each size; the entry at `changed` is another one."""
    log = TinyLog(origin=origin)
    for size in sizes:
        numbers = range(len(log.entries), size)
        log.seal(*(f"entry {number}{' changed' * (number == changed)}" for number in numbers))
    return log


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return log_of(*SIZES).write(tmp_path_factory.mktemp("log"))


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "copy"))


KEY = TinyLog().vkey


def test_a_whole_copy(copy: Path, ask: Ask) -> None:
    status, said = ask("log", copy, "--key", KEY)
    assert status == 0
    assert said == (
        f"yes: all 600 entries in 5 seals of the log {ORIGIN} lead to its signed checkpoints, and every bundle and "
        "tile is as it must be\nNot shown: that nobody saw another log of this name; --kept with checkpoints kept "
        "elsewhere shows that.\n"
    )
    assert ask(copy, "--key", KEY) == (status, said)


@pytest.mark.parametrize("sizes", [(0,), (1,), (0, 1), (255,), (256,), (257,), (511, 512, 513), (66_000,)])
def test_logs_of_any_size(sizes: tuple[int, ...], ask: Ask, tmp_path: Path) -> None:
    assert ask("log", log_of(*sizes).write(tmp_path / "log"), "--key", KEY)[0] == 0


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_every_object_counts(copy: Path, ask: Ask) -> None:
    """One bit of any object: no. The object gone: no, but for partial tiles that full ones have replaced."""
    found = names(copy)
    replaced = [name for name in found if ".p/" in name and ".p/88" not in name and name != "tile/1/000.p/2"]
    assert "tile/0/000.p/3" in replaced
    assert "tile/entries/001.p/44" in replaced
    assert len(replaced) == 5
    for name in found:
        path = copy / name
        content = path.read_bytes()
        for edited in (
            content[:-1],
            content + b"\n",
            b"",
            content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 1]) + content[len(content) // 2 + 1 :],
            content[:-2] + bytes([content[-2] ^ 1]) + content[-1:],
        ):
            if name == "seal/00000000" and edited[-2:] == b"}\n" and len(edited) == len(content):
                continue  # only a time in its header: the log commits to leaves
            path.write_bytes(edited)
            assert ask("log", copy, "--key", KEY)[0] == 1, name
        path.unlink()
        assert ask("log", copy, "--key", KEY)[0] == (0 if name in replaced else 1), name
        path.write_bytes(content)
    assert ask("log", copy, "--key", KEY)[0] == 0


@pytest.mark.parametrize(
    ("name", "edit", "sentence"),
    [
        ("seal/00000003", (b"entry 280", b"entry 281"), "the entries up to seal/00000003 have not the root"),
        ("seal/00000003", (b"entry 280\n", b""), "seal/00000003 has not 44 leaves"),
        ("seal/00000003", (b"entry 280\n", b"entry 280\nentry 280\n"), "seal/00000003 has more than 44 leaves"),
        ("seal/00000003", (b"entry 280\nentry 281", b"entry 281\nentry 280"), "the entries up to seal/00000003"),
        ("seal/00000003", (b'"first_leaf":256', b'"first_leaf":255'), "does not go on where"),
        ("seal/00000003", (b'"seal":3', b'"seal":4'), "does not go on where"),
        ("seal/00000003", (b'"leaves":44', b'"leaves":"44"'), "leaves is not what it must be"),
        ("seal/00000003", (b"daybook/local", b"daybook/other"), "does not go on where"),
        ("seal/00000003", (b"{", b"["), "seal/00000003 is no JSON"),
        ("tile/entries/001", (b"entry 280", b"entry 281"), "tile/entries/001 is not what follows from the seals"),
        ("tile/0/000", (b"", b"x"), "tile/0/000"),
        ("checkpoints/00000002", (b"256", b"257"), "the signature is not one of this text"),
    ],
)
def test_what_was_done_to_the_log_is_said(
    name: str, edit: tuple[bytes, bytes], sentence: str, copy: Path, ask: Ask
) -> None:
    path = copy / name
    path.write_bytes(path.read_bytes().replace(*edit, 1))
    status, said = ask("log", copy, "--key", KEY)
    assert status == 1
    assert sentence in said


def test_a_checkpoint_in_the_place_of_another_is_said(copy: Path, ask: Ask) -> None:
    shutil.copy(copy / "checkpoints/00000001", copy / "checkpoints/00000002")
    status, said = ask("log", copy, "--key", KEY)
    assert (status, "checkpoints/00000002 is not one of this log after 256 entries" in said) == (1, True)


def test_a_seal_that_is_edited_with_its_bundles_and_tiles_is_found(tmp_path: Path, copy: Path, ask: Ask) -> None:
    """By whoever has not the key: the checkpoints stay."""
    other = log_of(*SIZES, changed=280).write(tmp_path / "other")
    for name in names(other):
        if not name.startswith("checkpoint"):
            shutil.copy(other / name, copy / name)
    status, said = ask("log", copy, "--key", KEY)
    assert status == 1
    assert "the entries up to seal/00000003 have not the root that checkpoints/00000003 was signed with" in said


def test_a_log_written_anew_with_the_key_is_found_by_kept_checkpoints(tmp_path: Path, ask: Ask) -> None:
    other = log_of(*SIZES, changed=280).write(tmp_path / "other")
    assert ask("log", other, "--key", KEY)[0] == 0
    genuine = log_of(*SIZES)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "first").write_bytes(genuine.checkpoint(256))
    status, said = ask("log", other, "--key", KEY, "--kept", kept)
    assert status == 0
    assert said.endswith("\n1 kept checkpoint checked: this log is the one that was signed then.\n")
    (kept / "second").write_bytes(genuine.checkpoint(300))
    status, said = ask("log", other, "--key", KEY, "--kept", kept)
    assert status == 1
    assert "signed for other entries up to 300 than this log has" in said
    assert ask("log", genuine.write(tmp_path / "genuine"), "--key", KEY, "--kept", kept)[0] == 0


@pytest.mark.parametrize("between", [b"", b"\n", b"\n\n\n"])
def test_kept_checkpoints_may_stand_in_one_file(between: bytes, written: Path, tmp_path: Path, ask: Ask) -> None:
    """As they do where Firehose delivers them: those of a minute in one object."""
    genuine, other = log_of(*SIZES), log_of(*SIZES, changed=280)
    witness = "— witness.example d3h5egAAAAAA\n".encode()
    kept = [genuine.checkpoint(0) + witness, genuine.checkpoint(3), genuine.checkpoint(3), genuine.checkpoint(600)]
    (tmp_path / "kept").write_bytes(between.join([b"", *kept, b""]))
    status, said = ask("log", written, "--key", KEY, "--kept", tmp_path / "kept")
    assert (status, said.count("\n4 kept checkpoints checked")) == (0, 1)
    (tmp_path / "kept").write_bytes(between.join([*kept, other.checkpoint(600), *kept]))
    assert ask("log", written, "--key", KEY, "--kept", tmp_path / "kept")[0] == 1
    for junk in (b"junk\n", b"junk", witness, genuine.checkpoint(3)[:-9]):
        (tmp_path / "kept").write_bytes(junk + b"".join(kept))
        assert ask("log", written, "--key", KEY, "--kept", tmp_path / "kept")[0] == 1, junk
        (tmp_path / "kept").write_bytes(b"".join(kept) + junk)
        assert ask("log", written, "--key", KEY, "--kept", tmp_path / "kept")[0] == (0 if junk == witness else 1), junk


def test_a_log_that_was_cut_is_found_by_kept_checkpoints(tmp_path: Path, ask: Ask) -> None:
    cut = log_of(*SIZES[:-1]).write(tmp_path / "cut")
    assert ask("log", cut, "--key", KEY)[0] == 0
    kept = tmp_path / "kept"
    kept.write_bytes(log_of(*SIZES).checkpoint())
    status, said = ask("log", cut, "--key", KEY, "--kept", kept)
    assert (status, said.count("an older copy, or it was cut")) == (1, 1)


def test_kept_checkpoints_of_another_log_or_none_are_said(written: Path, tmp_path: Path, ask: Ask) -> None:
    other = log_of(3, origin="daybook/other")
    (tmp_path / "kept").write_bytes(other.checkpoint())
    (tmp_path / "keys").write_text(f"{KEY}\n{other.vkey}\n")
    assert "another log" in ask("log", written, "--key", tmp_path / "keys", "--kept", tmp_path / "kept")[1]
    (tmp_path / "none").mkdir()
    assert ask("log", written, "--key", KEY, "--kept", tmp_path / "none")[0] == 2


def test_an_older_checkpoint_in_the_place_of_the_newest_leaves_files_over(copy: Path, ask: Ask) -> None:
    shutil.copy(copy / "checkpoints/00000003", copy / "checkpoint")
    status, said = ask("log", copy, "--key", KEY)
    assert status == 0
    assert "300 entries in 4 seals" in said
    assert "Not looked at: 7 files that the newest checkpoint does not need." in said


def test_a_checkpoint_in_the_middle_of_a_seal_is_refused(copy: Path, ask: Ask) -> None:
    (copy / "checkpoint").write_bytes(log_of(*SIZES).checkpoint(299))
    assert "is not at the end of a seal" in ask("log", copy, "--key", KEY)[1]


def test_a_checkpoint_with_another_root_is_refused(copy: Path, ask: Ask) -> None:
    (copy / "checkpoint").write_bytes(log_of(600, changed=5).checkpoint())
    assert "the checkpoint is not the one after the last seal" in ask("log", copy, "--key", KEY)[1]


def test_endless_objects_end(copy: Path, ask: Ask) -> None:
    for name in ("tile/0/001", "tile/entries/000", "checkpoints/00000001", "seal/00000002", "checkpoint"):
        content = (copy / name).read_bytes()
        (copy / name).unlink()
        (copy / name).symlink_to("/dev/zero")
        assert ask("log", copy, "--key", KEY)[0] == 1, name
        (copy / name).unlink()
        (copy / name).write_bytes(content)


@pytest.mark.parametrize(("index", "name"), [(0, "000"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")])
def test_names_of_tiles(index: int, name: str) -> None:
    assert tool.tile_name(0, index, 0) == f"tile/0/{name}"
    assert tool.tile_name("entries", index, 17) == f"tile/entries/{name}.p/17"


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    peaks = []
    for size in (1_000, 8_000):
        folder = log_of(*range(500, size + 1, 500)).write(tmp_path / str(size))
        tracemalloc.start()
        tool.Log(str(folder), [tool.Key(KEY)]).check()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


def test_a_checkpoint_that_was_not_copied_again_is_told(ask: Ask, tmp_path: Path) -> None:
    """What `aws s3 sync` does without --exact-timestamps: the file has the size that it had."""
    log = TinyLog()
    log.seal("entry 0")
    folder = log.write(tmp_path / "log")
    old = (folder / "checkpoint").read_bytes()
    log.seal("entry 1")
    log.write(folder)
    assert "Not the newest" not in ask("log", folder, "--key", log.vkey)[1]
    assert len(old) == len((folder / "checkpoint").read_bytes())
    (folder / "checkpoint").write_bytes(old)
    status, said = ask("log", folder, "--key", log.vkey)
    assert status == 0
    assert "Not the newest: the file checkpoint is older than checkpoints/00000001." in said
