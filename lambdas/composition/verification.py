"""Builds what verifies the ledger in AWS, from settings."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any, Final

from lambdas.athena.queries import Athena, countdown
from lambdas.composition.clients import client
from lambdas.composition.settings import VerificationSettings
from lambdas.eventsourcing.dynamodb import DynamoDBEventStore
from lambdas.eventsourcing.dynamodb_client import dynamodb_client
from lambdas.eventsourcing.item_walk import DynamoDBItemWalk
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.segment_fold import PATIENCE_SECONDS
from lambdas.eventsourcing.table_walk import DynamoDBTableWalk
from lambdas.eventsourcing.timestamps import utc_now
from lambdas.transparency.dynamodb_index import DynamoDBLogIndex
from lambdas.transparency.errors import LogConflictError
from lambdas.transparency.kms_signer import KMSSigner
from lambdas.transparency.kms_verifier import KMSVerifier
from lambdas.transparency.s3_store import S3LogStore
from lambdas.verification.beginning import terms
from lambdas.verification.findings import Finding
from lambdas.verification.lake import Lake
from lambdas.verification.log import Log, terms_of
from lambdas.verification.lookup import DynamoDBLookup
from lambdas.verification.results import Report, SegmentResult
from lambdas.verification.steps import Agreed, Verification
from lambdas.verification.verification import Conclusion
from lambdas.verification.walking import Tables

QUERY_SECONDS: Final = 300.0
"""For a query on the lake: several of them, and the log, are read in one step."""

DRILLED_ROWS: Final = 2_000_000
"""Of an event table that is walked once more, for each comparison in which it differs, to name the first version that
does: that takes minutes of the step. Of a larger one only the difference is told; `daybook verify --all` names it."""


@cache
def deployed_verification(settings: VerificationSettings) -> Verification:
    """The verification as it runs in AWS, always the same: made when it is needed, since its clients take a while."""
    tables = _tables(settings)
    log = S3LogStore(client("s3"), settings.log_bucket)
    conclusions = _Conclusions(settings, tables, log)
    return Verification(
        tables,
        S3LogStore(client("s3"), settings.results_bucket),
        begin=conclusions.begin,
        conclude=conclusions.conclude,
    )


class _Conclusions:
    """How a run begins, and how it ends."""

    def __init__(self, settings: VerificationSettings, tables: Tables, log: S3LogStore) -> None:
        self._settings = settings
        self._tables = tables
        self._log = log

    def begin(self) -> Agreed:
        """See Verification. Raises LogUnavailableError."""
        settle = timedelta(minutes=self._settings.settle_minutes)
        pending = timedelta(hours=self._settings.pending_hours)
        now, log, conflict = utc_now(), None, ""
        try:
            if self._tables.index is not None:
                log = terms_of(self._log, self._tables.index)
        except LogConflictError as error:
            conflict = str(error)
        return Agreed(terms(now, settle=settle, pending=pending, log=log), conflict)

    def conclude(self, agreed: Agreed, seen: SegmentResult) -> Report:
        """See Verification. Raises LogUnavailableError if the log's public key cannot be read."""
        settings, athena = self._settings, client("athena")
        conclusion = Conclusion(self._tables, agreed.terms, seen, drilling=seen.rows <= DRILLED_ROWS)
        if agreed.log_conflict:
            conclusion.find(Finding("log", "the log", 0, agreed.log_conflict))
            conclusion.not_checked("log", agreed.log_conflict)
        conclusion.check_pointers()
        queries = Athena(athena, workgroup=settings.athena_workgroup, database=settings.glue_database)
        conclusion.check_lake(Lake(lambda sql: queries.rows(sql, countdown(QUERY_SECONDS)), agreed.terms))
        if agreed.terms.log is not None:
            kms: Any = client("kms")
            public_key, verify = KMSSigner(kms, settings.log_key).public_key(), KMSVerifier(kms, settings.log_key)
            log = Log(self._log, agreed.terms.log, agreed.terms.salt, public_key=public_key, verify=verify)
            conclusion.check_log(log)
        return conclusion.report()


def _tables(settings: VerificationSettings) -> Tables:
    dynamodb = dynamodb_client()

    def new_deadline() -> Deadline:
        return Deadline(PATIENCE_SECONDS)

    return Tables(
        walk=DynamoDBTableWalk(dynamodb, event_table=settings.event_table),
        store=DynamoDBEventStore(dynamodb, event_table=settings.event_table),
        receipts=DynamoDBItemWalk(dynamodb, table=settings.receipts_table, consistent=False),
        commands=DynamoDBItemWalk(dynamodb, table=settings.commands_table, consistent=False),
        lookup=DynamoDBLookup(
            dynamodb,
            event_table=settings.event_table,
            commands_table=settings.commands_table,
            new_deadline=new_deadline,
        ),
        index=DynamoDBLogIndex(dynamodb, settings.log_index_table),
        new_deadline=new_deadline,
    )
