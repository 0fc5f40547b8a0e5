"""Signed notes and checkpoints: what the documents show is read, and what they forbid is refused.

The notes and proofs in quotes are the examples of C2SP's documents (signed-note, tlog-checkpoint, tlog-witness,
tlog-proof) and of the Go module golang.org/x/mod/sumdb/note, which also says its key.
"""

import pytest

from lambdas.transparency import checkpoint, note
from lambdas.transparency.checkpoint import Checkpoint
from lambdas.transparency.errors import MalformedError, ProofError
from lambdas.transparency.note import VerifierKey
from lambdas.transparency.texts import base64_text
from tests.support.log_signer import SeededSigner, verifies

POEM = """\
Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXx\
j99ihAQwaqP3ZekRwNtIc=
""".encode()
SOFA = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGk\
u9nTo+zyWE+xeMcTOAYQ8=
""".encode()
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
GO_NOTE = f"{GO_TEXT}\n— PeterNeumann {GO_SIGNATURE}\n".encode()

SIGNER = SeededSigner()
NAME = "daybook/test/log"
KEY = VerifierKey(NAME, SIGNER.public_key())
SIGNED = note.sign("one\n\ntwo\n", NAME, SIGNER)


def test_the_documents_poem_is_a_note_with_an_empty_line_in_it() -> None:
    parsed = note.parse(POEM)
    assert parsed.text.endswith("\n\ned è subito sera.\n")
    [signature] = parsed.signatures
    assert (signature.name, signature.key_id.hex()) == ("quasimodo.example/salvatore", "367ba04b")
    assert len(signature.signature) == 64


def test_the_documents_checkpoint_is_read_and_written() -> None:
    found = checkpoint.of_note(SOFA)
    assert (found.origin, found.size, found.root.hex()[:8]) == ("example.com/behind-the-sofa", 20852163, "0ac5186a")
    assert found.text().encode() == SOFA[: SOFA.index(b"\n\n") + 1]


def test_the_note_of_go_verifies_and_no_other() -> None:
    key = note.parse_vkey(GO_KEY)
    assert note.vkey(key.name, key.public_key) == GO_KEY
    assert note.open_note(GO_NOTE, key, verifies) == GO_TEXT
    for at in range(len(GO_NOTE)):
        changed = GO_NOTE[:at] + bytes([GO_NOTE[at] ^ 1]) + GO_NOTE[at + 1 :]
        with pytest.raises((MalformedError, ProofError)):
            note.open_note(changed, key, verifies)


def test_what_is_signed_verifies_under_its_key() -> None:
    assert note.open_note(SIGNED, KEY, verifies) == "one\n\ntwo\n"
    assert note.parse_vkey(note.vkey(*KEY)) == KEY
    assert note.sign("one\n\ntwo\n", NAME, SIGNER) == SIGNED, "one text, one note"


def test_signatures_of_others_are_left_aside() -> None:
    other = note.sign("one\n\ntwo\n", "witness.example", SeededSigner(2)).rpartition(b"\n\n")[2]
    namesake = note.sign("one\n\ntwo\n", NAME, SeededSigner(3)).rpartition(b"\n\n")[2]
    assert note.open_note(SIGNED + other + namesake, KEY, verifies) == "one\n\ntwo\n"
    head, _, own = SIGNED.rpartition(b"\n\n")
    assert note.open_note(head + b"\n\n" + other * 15 + own, KEY, verifies) == "one\n\ntwo\n"
    with pytest.raises(ProofError, match="not signed by"):
        note.open_note(head + b"\n\n" + other + namesake, KEY, verifies)


def test_one_wrong_signature_in_the_keys_name_is_enough_to_refuse() -> None:
    wrong = note.Signature(NAME, KEY.key_id, b"\x00" * 64)
    line = f"— {NAME} {base64_text(wrong.key_id + wrong.signature)}\n".encode()
    with pytest.raises(ProofError, match="signature of daybook/test/log is wrong"):
        note.open_note(SIGNED + line, KEY, verifies)


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        b"\n",
        b"text\n",
        b"text\n\n",
        SIGNED[:-1],
        SIGNED + b"\n",
        SIGNED.replace(b"one", b"o\x00e"),
        SIGNED.replace(b"one", b"o\te"),
        SIGNED.replace(b"one\n", b"one\r\n"),
        SIGNED.replace(b"one", b"o\xffe"),
        SIGNED.replace("— ".encode(), b"- "),
        SIGNED.replace("— ".encode(), "—  ".encode()),
        SIGNED.replace(b"\n\xe2", b"\n\xe2\x80\x94 \n\xe2"),
        SIGNED.replace(NAME.encode(), b"day+book"),
        SIGNED.replace(NAME.encode(), "day\u2003book".encode()),
        SIGNED[:-3] + b"\n",
        f"text\n\n— {NAME} AAAA\n".encode(),
        f"text\n\n— {NAME} AAAAAA==\n".encode(),
        b"text\n\n" + SIGNED.rpartition(b"\n\n")[2] * 101,
    ],
)
def test_what_is_no_note_is_refused(malformed: bytes) -> None:
    with pytest.raises(MalformedError):
        note.parse(malformed)


@pytest.mark.parametrize("text", ["", "no end", "tab\there\n", "return\r\n", "\x00\n"])
def test_a_text_that_no_note_may_hold_is_not_signed(text: str) -> None:
    with pytest.raises(MalformedError):
        note.sign(text, NAME, SIGNER)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\n"])
def test_a_name_that_no_note_may_bear_is_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        note.sign("text\n", name, SIGNER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        GO_KEY.replace("c74f20a3", "c74f20a4"),
        GO_KEY.replace("c74f20a3", "c74f20A3"),
        GO_KEY.replace("PeterNeumann", "PeterNewmann"),
        GO_KEY[:-4],
        GO_KEY + "AAAA",
        GO_KEY.replace("+AR", "+BR"),
        GO_KEY[:-1] + "X",
        GO_KEY.replace("PeterNeumann", "Peter Neumann"),
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        note.parse_vkey(text)


class TestCheckpoints:
    CHECKPOINT = Checkpoint(NAME, 7, b"\x07" * 32)

    def test_a_signed_one_is_opened_with_the_logs_key(self) -> None:
        signed = self.CHECKPOINT.signed(SIGNER)
        assert checkpoint.open_checkpoint(signed, KEY, verifies) == self.CHECKPOINT
        assert checkpoint.of_note(signed) == self.CHECKPOINT

    def test_one_of_another_log_signed_by_this_ones_key_is_refused(self) -> None:
        signed = note.sign(Checkpoint("other/log", 7, b"\x07" * 32).text(), NAME, SIGNER)
        with pytest.raises(MalformedError, match="other/log"):
            checkpoint.open_checkpoint(signed, KEY, verifies)

    def test_lines_of_extensions_are_kept(self) -> None:
        extended = Checkpoint(NAME, 7, b"\x07" * 32, ("one", "two"))
        assert checkpoint.parse(extended.text()) == extended

    @pytest.mark.parametrize("size", [0, 1, (1 << 63) - 1])
    def test_any_size_is_written_and_read(self, size: int) -> None:
        assert checkpoint.parse(Checkpoint(NAME, size, b"\x07" * 32).text()).size == size

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a\n1\n",
            "a\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
            "a\n01\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
            "a\n-1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
            "a\n+1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
            "a\n\u0661\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
            "a\n9223372036854775808\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
            f"a\n{'9' * 5_000}\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
            "a\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwd=\n",
            "a\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc\n",
            "a\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n",
            "a\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw\u0410=\n",
            "\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n",
            "a\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\n",
            "a\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\nb\n",
        ],
    )
    def test_what_is_no_checkpoint_is_refused(self, text: str) -> None:
        with pytest.raises(MalformedError):
            checkpoint.parse(text)
