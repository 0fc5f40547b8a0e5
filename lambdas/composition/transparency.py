"""Builds the sealer from its settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from botocore.config import Config
from botocore.session import get_session

from lambdas.athena.queries import Athena
from lambdas.athena.result_file import ResultFiles
from lambdas.composition.clients import RETRIES
from lambdas.composition.settings import SealerSettings
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.retry import Backoff, Deadline
from lambdas.eventsourcing.transport import strict
from lambdas.transparency.dynamodb_index import DynamoDBLogIndex
from lambdas.transparency.kms_signer import KMSSigner
from lambdas.transparency.lake_rows import LakeRows
from lambdas.transparency.s3_store import S3LogStore
from lambdas.transparency.sealer import Sealer, SealerOptions
from lambdas.transparency.sns_announcer import SNSAnnouncer

WRITERS: Final = 16
"""Tiles and bundles that are put at a time: as many connections to the bucket."""

PATIENT: Final = RETRIES.merge(Config(max_pool_connections=WRITERS))

THROTTLED_SECONDS: Final = 60.0
MOST_ATTEMPTS: Final = 1_000
LONGEST_PAUSE: Final = 2.0
"""A write of the index waits that long for a table that throttles. The first seals of a large ledger write more at once
than a new table takes, 4,000 units a second. Source: Amazon DynamoDB Developer Guide, "DynamoDB on-demand capacity
mode" ("Initial throughput and scaling properties")."""


def patient_index(client: Any, table_name: str, *, sleep: Callable[[float], None] = time.sleep) -> DynamoDBLogIndex:
    """The index as the sealer writes it."""
    return DynamoDBLogIndex(
        client,
        table_name,
        backoff=Backoff(cap=LONGEST_PAUSE, sleep=sleep),
        new_deadline=partial(Deadline, THROTTLED_SECONDS),
        attempts=MOST_ATTEMPTS,
    )


@contextmanager
def deployed_sealer(settings: SealerSettings) -> Iterator[Sealer]:
    """The sealer as it runs in AWS, for one run."""
    session = get_session()
    s3, kms, sns, athena = (
        strict(session.create_client(service, config=PATIENT)) for service in ("s3", "kms", "sns", "athena")
    )
    lake = Athena(athena, workgroup=settings.athena_workgroup, database=settings.glue_database)
    with ThreadPoolExecutor(WRITERS) as executor:
        yield Sealer(
            store=S3LogStore(s3, settings.log_bucket),
            index=patient_index(dynamodb_client(session), settings.log_index_table),
            signer=KMSSigner(kms, settings.log_key),
            announcer=SNSAnnouncer(sns, settings.log_topic),
            lake=LakeRows(lake, ResultFiles(s3)),
            options=SealerOptions(
                settings.log_origin_prefix,
                lookback_days=settings.seal_lookback_days,
                hole_minutes=settings.seal_hole_minutes,
            ),
            executor=executor,
        )
