"""Builds what the HTTP API proves events with, when the first proof is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from botocore.config import Config
from botocore.session import get_session

from lambdas.composition.settings import ApiSettings
from lambdas.eventsourcing.transport import strict
from lambdas.transparency.dynamodb_index import DynamoDBLogIndex
from lambdas.transparency.proving import Prover
from lambdas.transparency.s3_store import S3LogStore

SHORT: Final = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})
"""Three attempts at the checkpoint, and three at tiles, end before the function does."""


def deployed_prover(client: Any, settings: ApiSettings) -> Callable[[], Prover]:
    """What gives the prover, always the same. `client` is the event store's, for the index; no request is made.

    A second client would cost every start of the function, also those that only book.
    """

    @cache
    def prover() -> Prover:
        s3 = strict(get_session().create_client("s3", config=SHORT))
        return Prover(S3LogStore(s3, settings.log_bucket), DynamoDBLogIndex(client, settings.log_index_table))

    return prover
