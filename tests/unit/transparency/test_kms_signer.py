"""A key of KMS as a signer: what is asked of it, and answers that are none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ReadTimeoutError
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lambdas.transparency.errors import LogUnavailableError, MalformedError
from lambdas.transparency.kms_signer import KMSSigner
from lambdas.transparency.sns_announcer import SNSAnnouncer
from tests.support.broken_aws import Answer, ToldClient, refused
from tests.support.log_signer import SeededSigner

OURS = SeededSigner()


def encoded(key: Ed25519PublicKey | ec.EllipticCurvePublicKey | x25519.X25519PublicKey) -> dict[str, bytes]:
    return {"PublicKey": key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)}


RIGHT = encoded(Ed25519PublicKey.from_public_bytes(OURS.public_key()))


def test_public_key_is_asked_for_once() -> None:
    client = ToldClient(RIGHT)
    signer = KMSSigner(client, "arn:key")

    assert [signer.public_key() for _ in range(3)] == [OURS.public_key()] * 3

    assert client.calls == [("get_public_key", {"KeyId": "arn:key"})]


def test_signature_is_over_the_message_itself() -> None:
    client = ToldClient({"Signature": OURS.sign(b"message")})

    assert KMSSigner(client, "arn:key").sign(b"message") == OURS.sign(b"message")

    request = {"KeyId": "arn:key", "Message": b"message", "MessageType": "RAW", "SigningAlgorithm": "ED25519_SHA_512"}
    assert client.calls == [("sign", request)]


@pytest.mark.parametrize(
    "answer",
    [
        encoded(ec.generate_private_key(ec.SECP256R1()).public_key()),
        encoded(x25519.X25519PrivateKey.generate().public_key()),  # as long as ours, of another algorithm
        {"PublicKey": RIGHT["PublicKey"] + b"\x00"},
        {"PublicKey": RIGHT["PublicKey"][:-1]},
        {"PublicKey": b""},
    ],
)
def test_key_of_another_kind(answer: dict[str, bytes]) -> None:
    with pytest.raises(MalformedError, match="ECC_NIST_EDWARDS25519"):
        KMSSigner(ToldClient(answer), "arn:key").public_key()


@pytest.mark.parametrize("size", [0, 63, 65, 71])
def test_signature_of_another_kind(size: int) -> None:
    with pytest.raises(MalformedError, match=f"{size} bytes"):
        KMSSigner(ToldClient({"Signature": bytes(size)}), "arn:key").sign(b"message")


@pytest.mark.parametrize("use", [KMSSigner.public_key, lambda signer: signer.sign(b"message")])
@pytest.mark.parametrize(
    "error",
    [refused("KMSInternalException", 500), refused("AccessDeniedException"), ReadTimeoutError(endpoint_url="x")],
)
def test_key_out_of_reach(use: Callable[[KMSSigner], bytes], error: Exception) -> None:
    client = ToldClient(error, RIGHT)
    signer = KMSSigner(client, "arn:key")

    with pytest.raises(LogUnavailableError, match="arn:key"):
        use(signer)

    assert signer.public_key() == OURS.public_key(), "what failed is not remembered"


def test_topic_gets_the_checkpoint_as_it_is() -> None:
    client = ToldClient({"MessageId": "1"})

    SNSAnnouncer(client, "arn:topic").tell("— a note\n".encode())

    assert client.calls == [("publish", {"TopicArn": "arn:topic", "Message": "— a note\n"})]


@pytest.mark.parametrize("answer", [refused("Throttled", 429), {}])
def test_topic_out_of_reach(answer: Answer) -> None:
    with pytest.raises(LogUnavailableError, match="arn:topic"):
        SNSAnnouncer(ToldClient(answer), "arn:topic").tell(b"note")
