"""Errors of the transparency log. Every message is a sentence for an operator."""

from __future__ import annotations


class TransparencyError(Exception):
    """The log could not do what was asked."""


class LogUnavailableError(TransparencyError):
    """A request to the bucket, the index, the key or the topic failed, and may be sent again."""


class LogConflictError(TransparencyError):
    """What the log holds is not what follows from its seals: sealing stops, and somebody has to look."""


class MalformedError(TransparencyError):
    """A text is not in the form that is asked for: a leaf, a seal, a checkpoint, a note, a proof or a key."""


class NotInLogError(TransparencyError):
    """The log holds no such event: it is not sealed yet, was revoked, or does not exist."""


class ProofError(TransparencyError):
    """A proof does not verify. The message says which part of it."""
