"""Errors of the verification. Every message is a sentence for an operator."""

from __future__ import annotations


class VerificationError(Exception):
    """The verification could not be carried out: that is no finding."""
