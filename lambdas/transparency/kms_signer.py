"""Signs checkpoints with an Ed25519 key of KMS, which never leaves it.

Sources: AWS KMS API Reference, Sign (`MessageType` RAW, which ED25519_SHA_512 demands; a message has at most 4,096
bytes) and GetPublicKey (a DER-encoded SubjectPublicKeyInfo); AWS KMS Developer Guide, "Key spec reference"
(ECC_NIST_EDWARDS25519). The form of the public key: RFC 8410, section 4; of the signature: RFC 8032, section 5.1.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.transparency.errors import LogUnavailableError, MalformedError

KEY_SPEC: Final = "ECC_NIST_EDWARDS25519"
ALGORITHM: Final = "ED25519_SHA_512"
"""What the key must be, and how it signs: as KMS names them."""

_SPKI: Final = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 key: a sequence of the algorithm 1.3.101.112 and a bit string."""
_KEY_SIZE: Final = 32
_SIGNATURE_SIZE: Final = 64


class KMSClient(Protocol):
    """The methods of boto3's low-level KMS client that are used here. It retries by itself: signing changes nothing."""

    def get_public_key(self, **kwargs: Any) -> Mapping[str, Any]: ...
    def sign(self, **kwargs: Any) -> Mapping[str, Any]: ...


class KMSSigner:
    """A Signer. Methods raise MalformedError, too, if the key is not one of Ed25519."""

    def __init__(self, client: KMSClient, key: str) -> None:
        """`key` is the key's ARN or id."""
        self._client = client
        self._key = key
        self._public_key = b""

    def public_key(self) -> bytes:
        """See Signer.public_key. Asked for once: a key of KMS that signs is never rotated."""
        if not self._public_key:
            try:
                encoded = bytes(self._client.get_public_key(KeyId=self._key)["PublicKey"])
            except FAILURES as error:
                raise LogUnavailableError(f"could not read the public key {self._key}: {error}") from error
            if not encoded.startswith(_SPKI) or len(encoded) != len(_SPKI) + _KEY_SIZE:
                raise MalformedError(f"the key {self._key} is not one of Ed25519: its spec has to be {KEY_SPEC}")
            self._public_key = encoded[len(_SPKI) :]
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        """See Signer.sign."""
        try:
            signed = self._client.sign(KeyId=self._key, Message=message, MessageType="RAW", SigningAlgorithm=ALGORITHM)
        except FAILURES as error:
            raise LogUnavailableError(f"could not sign with the key {self._key}: {error}") from error
        signature = bytes(signed["Signature"])
        if len(signature) != _SIGNATURE_SIZE:
            raise MalformedError(f"the key {self._key} gave a signature of {len(signature)} bytes, none of Ed25519")
        return signature
