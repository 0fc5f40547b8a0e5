"""Proofs as files: what the documents show is read and written again, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.transparency import consistency, tlog_proof
from lambdas.transparency.consistency import ConsistencyProof
from lambdas.transparency.errors import MalformedError
from lambdas.transparency.tlog_proof import TlogProof

# The examples of C2SP's tlog-proof and tlog-witness; in the first, signatures are left out by the document itself.
EXAMPLE = """\
c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJw[...]1roloI=
— witness1.example mJirIklj[...]qY9v2B/5bg==
— witness2.example TnKKVHLX[...]xwYwrSjgow==
— witness3.example S4X82uH5[...]3oEcROGLFQ==
""".encode()
WITNESS_EXAMPLE = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGk\
u9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6\
QUXTS5Rovnzv++qbSzm9Q=
""".encode()

hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=63).map(tuple)
numbers = st.integers(0, (1 << 63) - 1)


def test_the_documents_proof_is_read_and_written() -> None:
    proof = tlog_proof.decode(EXAMPLE)
    assert (proof.index, len(proof.hashes), proof.hashes[0].hex()[:8]) == (73894, 5, "8122b25e")
    assert proof.extra.startswith(b"age-v1.2.1-darwin-arm64.tar.gz")
    assert proof.checkpoint.startswith(b"example.com/fancylog\n109482\n")
    assert proof.encode() == EXAMPLE


def test_the_documents_proof_of_consistency_is_read_and_written() -> None:
    proof = consistency.decode(WITNESS_EXAMPLE)
    assert (proof.old_size, len(proof.hashes), proof.hashes[3].hex()[:8]) == (20852014, 4, "ffa59584")
    assert proof.checkpoint.count("—".encode()) == 2
    assert proof.encode() == WITNESS_EXAMPLE


@given(numbers, hashes, st.binary(), st.binary())
def test_any_proof_is_given_back(index: int, path: tuple[bytes, ...], checkpoint: bytes, extra: bytes) -> None:
    proof = TlogProof(index, path, checkpoint, extra)
    assert tlog_proof.decode(proof.encode()) == proof


@given(numbers, hashes, st.binary())
def test_any_proof_of_consistency_is_given_back(old: int, path: tuple[bytes, ...], checkpoint: bytes) -> None:
    proof = ConsistencyProof(old, path, checkpoint)
    assert consistency.decode(proof.encode()) == proof


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"proof@v1", b"proof@v2"),
        (b"extra ", b"Extra "),
        (b"extra YWdl", b"extra  YWdl"),
        (b"extra YWdlLX", b"extra YWdlL"),
        (b"extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ\n", b"extra \n"),
        (b"index 73894\n", b""),
        (b"index 73894", b"index 073894"),
        (b"index 73894", b"index -1"),
        (b"index 73894", b"index 9223372036854775808"),
        (b"index 73894\n", b"index 73894\r\n"),
        (b"gSKy", b"gSK"),
        (b"PlQ=\n", b"PlR=\n"),
        (b"gSKyXoYZ", b"gSKyXoYZgSKyXoYZ"),
        (b"gSKy", b"\xff\xff\xff\xff"),
        (b"\n\n", b"\n"),
    ],
)
def test_what_is_no_proof_is_refused(was: bytes, becomes: bytes) -> None:
    assert was in EXAMPLE
    with pytest.raises(MalformedError):
        tlog_proof.decode(EXAMPLE.replace(was, becomes))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [(b"old ", b"new "), (b"old 2", b"old 02"), (b"old 20852014\n", b""), (b"PlRN", b"PlR"), (b"\n\n", b"\n")],
)
def test_what_is_no_proof_of_consistency_is_refused(was: bytes, becomes: bytes) -> None:
    assert was in WITNESS_EXAMPLE
    with pytest.raises(MalformedError):
        consistency.decode(WITNESS_EXAMPLE.replace(was, becomes))


def test_more_hashes_than_a_tree_has_levels_are_refused() -> None:
    with pytest.raises(MalformedError, match="more than 63"):
        tlog_proof.decode(TlogProof(1, (b"\x00" * 32,) * 64, b"").encode())
    with pytest.raises(MalformedError, match="more than 63"):
        consistency.decode(ConsistencyProof(1, (b"\x00" * 32,) * 64, b"").encode())
