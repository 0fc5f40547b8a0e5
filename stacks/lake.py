"""The lake, all history in SQL: Firehose, Parquet files, their table and views, and the workgroup that queries them."""

from aws_cdk import Aws, CfnOutput, Duration, Stack
from aws_cdk.aws_glue import CfnDatabase
from aws_cdk.aws_iam import ManagedPolicy
from constructs import Construct

from analytics import catalog
from constructs_lib.alarms import alarm_above, alarm_on_any
from constructs_lib.athena_view import AthenaView, View
from constructs_lib.event_stream import EventStream
from constructs_lib.parquet_delivery import ParquetDelivery
from constructs_lib.parquet_table import DailyParquetTable, ParquetTable
from constructs_lib.query_workgroup import QueryWorkgroup
from constructs_lib.stack_suffix import stack_suffix
from lambdas.contracts.lake import (
    EVENTS_PREFIX,
    EVENTS_TABLE,
    LAKE_COLUMNS,
    PARTITION,
    REVOCATION_COLUMNS,
    REVOCATIONS_PREFIX,
    REVOCATIONS_TABLE,
    Column,
)
from stacks.environment import Environment
from stacks.lake_buckets import QUERY_RESULTS_PREFIX, lake_buckets
from stacks.retention import log_retention, removal_policy

ERRORS_PREFIX = "errors/"
REPORTS_PREFIX = "reports/"
VERIFICATION_PREFIX = "verification/"
FIRST_DAY = "2026-01-01"
"""No event can have arrived before the service existed."""


class LakeStack(Stack):
    """Stateful. Deployed before the publisher, because Firehose begins at the end of the stream."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment, events: EventStream) -> None:
        super().__init__(scope, construct_id)
        self.lake, self.results = lake_buckets(self, config)
        self._catalog(config)
        self.delivery = ParquetDelivery(
            self,
            "Delivery",
            source=events,
            table=self.table,
            bucket=self.lake,
            prefix=EVENTS_PREFIX,
            error_prefix=ERRORS_PREFIX,
            interval=Duration.seconds(config.lake_interval_seconds),
            buffer_mb=config.lake_buffer_mb,
            log_retention=log_retention(config),
            removal_policy=removal_policy(config),
        )
        self._workgroup(config)
        self._policies(events)
        self._watch(config)
        CfnOutput(self, "LakeBucketName", value=self.lake.bucket.bucket_name)
        CfnOutput(self, "ReportBucketName", value=self.results.bucket.bucket_name)
        CfnOutput(self, "GlueDatabaseName", value=self.database.ref)
        CfnOutput(self, "LakeQueryPolicyArn", value=self.may_query.managed_policy_arn)
        CfnOutput(self, "RestoreAnnouncePolicyArn", value=self.may_announce.managed_policy_arn)
        CfnOutput(self, "AthenaWorkgroupName", value=self.workgroup.workgroup.ref)

    @property
    def readable(self) -> list[str]:
        """The names of the tables and of all views, which whoever queries the lake may read."""
        return [self.table.name, self.revocations.name, *(each.name for each in self.views)]

    def _policies(self, events: EventStream) -> None:
        self.may_query = ManagedPolicy(self, "MayQuery", description="Running queries on the lake, read-only")
        self.workgroup.grant_query(
            self.may_query,
            database=self.database,
            tables=self.readable,
            data=self.lake,
            prefixes=[EVENTS_PREFIX, REVOCATIONS_PREFIX],
        )
        self.may_report = ManagedPolicy(self, "MayReport", description="Writing the daily reports")
        self.results.grant_put(self.may_report, prefix=REPORTS_PREFIX)
        self.may_keep_findings = ManagedPolicy(
            self, "MayKeepFindings", description="Keeping the progress and the findings of verifications"
        )
        self.results.grant_on_bucket(
            self.may_keep_findings, actions=["s3:ListBucket"]
        )  # else S3 hides what is not there
        self.results.grant(
            self.may_keep_findings, prefixes=[VERIFICATION_PREFIX], actions=["s3:GetObject", "s3:PutObject"]
        )
        self.results.grant_key(self.may_keep_findings, "Decrypt", "GenerateDataKey")
        self.may_announce = ManagedPolicy(
            self, "MayAnnounce", description="Telling what a restore revoked: to the views, and in the stream"
        )
        self.lake.grant_on_bucket(self.may_announce, actions=["s3:ListBucket"])  # else S3 hides what is not there
        self.lake.grant(self.may_announce, prefixes=[REVOCATIONS_PREFIX], actions=["s3:GetObject", "s3:PutObject"])
        self.lake.grant_key(self.may_announce, "Decrypt", "GenerateDataKey")
        events.grant_publish(self.may_announce)
        events.grant_read(self.may_announce)

    def _catalog(self, config: Environment) -> None:
        name = f"daybook_{config.name}_{stack_suffix()}"
        self.database = CfnDatabase(
            self,
            "Database",
            catalog_id=Aws.ACCOUNT_ID,
            database_input=CfnDatabase.DatabaseInputProperty(name=name, description="Domain events of bank accounts"),
        )
        self.database.apply_removal_policy(removal_policy(config))
        self.table = DailyParquetTable(
            self,
            "Events",
            database=self.database,
            name=EVENTS_TABLE,
            description="Domain events as they arrived, at least once each",
            columns=[_glue_column(each) for each in LAKE_COLUMNS],
            partition=_glue_column(PARTITION),
            bucket=self.lake.bucket,
            prefix=EVENTS_PREFIX,
            first_day=FIRST_DAY,
        )
        self.revocations = ParquetTable(
            self,
            "Revocations",
            database=self.database,
            name=REVOCATIONS_TABLE,
            description="What restores revoked: events beyond the last good version that were recorded before",
            columns=[_glue_column(each) for each in REVOCATION_COLUMNS],
            bucket=self.lake.bucket,
            prefix=REVOCATIONS_PREFIX,
        )
        views = Construct(self, "Views")
        self.views = [
            AthenaView(views, each.name, database=self.database, view=_view(each)) for each in catalog.views().values()
        ]

    def _workgroup(self, config: Environment) -> None:
        self.workgroup = QueryWorkgroup(
            self,
            "Queries",
            name=f"daybook-{config.name}-{stack_suffix()}",
            description="Queries on the history of bank accounts",
            results=self.results,
            prefix=QUERY_RESULTS_PREFIX,
            cutoff_bytes=config.query_cutoff_bytes,
            removal_policy=removal_policy(config),
        )
        for query in catalog.queries().values() if config.named_queries else ():
            self.workgroup.add_query(
                query.name, database=self.database, comment=query.answers, sql=query.as_it_stands()
            )

    def _watch(self, config: Environment) -> None:
        alarm_above(
            self,
            "LateFiles",
            metric=self.delivery.metric("DeliveryToS3.DataFreshness"),
            threshold=config.lake_late_intervals * config.lake_interval_seconds,
            description="Domain events have waited too long to be written to the lake (seconds).",
        )
        alarm_above(
            self,
            "BehindStream",
            metric=self.delivery.metric("KinesisMillisBehindLatest"),
            threshold=1_000 * config.lake_behind_seconds,
            description="Firehose is too far behind the stream of domain events (milliseconds).",
        )
        alarm_on_any(
            self,
            "Unconverted",
            metric=self.delivery.metric("FailedConversion.Records"),
            description="A record does not fit the lake's table: it lies whole below the error prefix.",
        )
        for operation in ("GetRecords", "GetShardIterator"):
            alarm_on_any(
                self,
                f"{operation}Throttled",
                metric=self.delivery.metric(f"Throttled{operation}"),
                periods=3,
                description=(
                    f"Firehose's {operation} on the stream of domain events is throttled, for a quarter of an hour: "
                    "others read too much of it."
                ),
            )


def _glue_column(column: Column) -> dict[str, str]:
    described = {"name": column.name, "type": column.type}
    return {**described, "comment": column.comment} if column.comment else described


def _view(statement: catalog.Statement) -> View:
    return View(
        name=statement.name,
        comment=statement.answers,
        columns=tuple(statement.columns.items()),
        sql=statement.sql,
    )
