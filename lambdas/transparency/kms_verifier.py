"""Checks signatures of checkpoints by KMS: deployed functions carry no library for Ed25519.

Source: AWS KMS API Reference, Verify (a signature that is none is an error, KMSInvalidSignatureException).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from lambdas.eventsourcing.dynamodb_faults import FAILURES
from lambdas.transparency.errors import LogUnavailableError
from lambdas.transparency.kms_signer import ALGORITHM

_NO_SIGNATURE: Final = "KMSInvalidSignatureException"


class KMSClient(Protocol):
    """The method of boto3's low-level KMS client that is used here. It retries by itself."""

    def verify(self, **kwargs: Any) -> Mapping[str, Any]: ...


class KMSVerifier:
    """A note.Verify for one key of KMS."""

    def __init__(self, client: KMSClient, key: str) -> None:
        """`key` is the key's ARN or id."""
        self._client = client
        self._key = key

    def __call__(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        """Whether the key made the signature. Raises LogUnavailableError. KMS knows the public key."""
        del public_key
        try:
            answer = self._client.verify(
                KeyId=self._key, Message=message, MessageType="RAW", Signature=signature, SigningAlgorithm=ALGORITHM
            )
        except FAILURES as error:
            if isinstance(error, ClientError) and error.response["Error"].get("Code") == _NO_SIGNATURE:
                return False
            raise LogUnavailableError(f"could not check a signature with the key {self._key}: {error}") from error
        return answer["SignatureValid"] is True
