"""Who signs checkpoints, and who is told of them: ports."""

from __future__ import annotations

from typing import Protocol


class Signer(Protocol):
    """An Ed25519 key. Both methods raise LogUnavailableError, and MalformedError if the key is of another kind."""

    def public_key(self) -> bytes:
        """The public key, 32 bytes as RFC 8032 encodes it."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes: the same for the same message."""
        ...


class Announcer(Protocol):
    """Tells of checkpoints to whoever keeps them."""

    def tell(self, checkpoint: bytes) -> None:
        """Send the text of a checkpoint; it may be sent more than once. Raises LogUnavailableError."""
        ...
