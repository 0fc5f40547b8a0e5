"""Where an environment's transparency log is, and who signs its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
from botocore.config import Config
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cli.environments.clients import client
from cli.environments.ledger import ONE_ATTEMPT
from cli.environments.place import Place
from cli.errors import CommandError, PlaceError, UnavailableError, plain
from lambdas.transparency.checkpoint import Checkpoint, of_note, open_checkpoint
from lambdas.transparency.dynamodb_index import DynamoDBLogIndex
from lambdas.transparency.errors import LogUnavailableError, TransparencyError
from lambdas.transparency.index import LogIndex
from lambdas.transparency.kms_signer import KMSSigner
from lambdas.transparency.log_store import LogStore
from lambdas.transparency.note import VerifierKey, vkey
from lambdas.transparency.s3_store import S3LogStore

STACK: Final = "Transparency"
RETRIES: Final = Config(connect_timeout=2, read_timeout=20, retries={"total_max_attempts": 5, "mode": "standard"})


class Log(msgspec.Struct, frozen=True):
    """The log's objects, its index, and the public key of its checkpoints (32 bytes), read when it is asked for."""

    store: LogStore
    index: LogIndex
    public_key: Callable[[], bytes]

    def opened(self, signed: bytes) -> Checkpoint:
        """The checkpoint of a note that this log's key signed.

        Raises MalformedError, ProofError if it was signed by another key, LogUnavailableError.
        """
        return open_checkpoint(signed, VerifierKey(of_note(signed).origin, self.public_key()), verifies)

    def vkey(self, origin: str) -> str:
        """The key as one line of text, for whoever checks a proof. Raises LogUnavailableError."""
        return vkey(origin, self.public_key())


def open_log(place: Place) -> Log:
    """The log of an environment. Raises PlaceError."""
    outputs = place.outputs(STACK)
    try:
        bucket, table, key = outputs["LogBucketName"], outputs["LogIndexTableName"], outputs["LogKeyArn"]
    except KeyError as error:
        raise PlaceError(f"The stack {STACK} of {place.environment} has no output {error.args[0]}.") from None
    index = client("dynamodb", place.region, place.aws_endpoint_url, ONE_ATTEMPT, bound=True)
    return Log(
        S3LogStore(place.client("s3", RETRIES), bucket),
        DynamoDBLogIndex(index, table),
        KMSSigner(place.client("kms", RETRIES), key).public_key,
    )


def verifies(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 key (32 bytes) made a signature (64 bytes) over a message."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@contextmanager
def answering() -> Iterator[None]:
    """Turn the log's errors into those of commands: whether it did not answer, or has to be looked at."""
    try:
        yield
    except LogUnavailableError as error:
        raise UnavailableError(f"{plain(error)}.") from error
    except TransparencyError as error:
        raise CommandError(f"{plain(error)}.") from error


def nothing_sealed() -> CommandError:
    """There is no log yet."""
    return CommandError("Nothing is sealed yet: `daybook seal` begins the log.")
