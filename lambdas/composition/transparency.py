"""Builds the sealer from its settings."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from botocore.config import Config
from botocore.session import get_session

from lambdas.athena.queries import Athena
from lambdas.athena.result_file import ResultFiles
from lambdas.composition.settings import SealerSettings
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.transport import strict
from lambdas.transparency.dynamodb_index import DynamoDBLogIndex
from lambdas.transparency.kms_signer import KMSSigner
from lambdas.transparency.lake_rows import LakeRows
from lambdas.transparency.s3_store import S3LogStore
from lambdas.transparency.sealer import Sealer, SealerOptions
from lambdas.transparency.sns_announcer import SNSAnnouncer

WRITERS: Final = 16
"""Tiles and bundles that are put at a time: as many connections to the bucket."""

PATIENT: Final = Config(
    connect_timeout=2,
    read_timeout=20,
    retries={"total_max_attempts": 5, "mode": "standard"},
    max_pool_connections=WRITERS,
)
"""A seal is not urgent, and each of its requests may be sent twice."""


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
            index=DynamoDBLogIndex(dynamodb_client(session), settings.log_index_table),
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
