"""An Athena workgroup whose settings no client can override."""

from collections.abc import Sequence

from aws_cdk import Aws, RemovalPolicy, Stack
from aws_cdk.aws_athena import CfnNamedQuery, CfnWorkGroup
from aws_cdk.aws_cloudwatch import Metric
from aws_cdk.aws_glue import CfnDatabase
from aws_cdk.aws_iam import Grant, ManagedPolicy
from constructs import Construct

from constructs_lib.parquet_table import grant_catalog, grant_tables
from constructs_lib.private_bucket import PrivateBucket

QUERY_ACTIONS = (
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetWorkGroup",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
)
RESULT_ACTIONS = (
    "s3:AbortMultipartUpload",
    "s3:GetObject",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
)
SCHEMA_ACTIONS = ("glue:GetDatabase", "glue:GetDatabases", "glue:GetPartitions", "glue:GetTable")
LOOKUP_ACTIONS = ("glue:GetDatabase", "glue:GetDatabases")
DEFAULT_DATABASE = "default"
"""Athena also looks there, whatever a statement names. Source: Athena User Guide, "Configure access to databases and
tables in the AWS Glue Data Catalog". The page lets it create that database, too; nobody who only reads needs to.
"""
ENGINE = "Athena engine version 3"
MIN_CUTOFF_BYTES = 10_000_000
"""The smallest cut-off that Athena accepts."""


class QueryWorkgroup(Construct):
    """Cancels a query that has scanned `cutoff_bytes`. Results are encrypted, below `prefix` of `results`.

    It holds the history of its queries. With them Athena deletes it only when it is told to (RecursiveDeleteOption).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        description: str,
        results: PrivateBucket,
        prefix: str,
        cutoff_bytes: int,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        if cutoff_bytes < MIN_CUTOFF_BYTES:
            raise ValueError(f"a cut-off of at least {MIN_CUTOFF_BYTES} bytes is needed, not {cutoff_bytes}")
        self._results = results
        self._prefix = prefix
        self.workgroup = CfnWorkGroup(
            self,
            "Workgroup",
            name=name,
            description=description,
            recursive_delete_option=removal_policy == RemovalPolicy.DESTROY,
            work_group_configuration=CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                requester_pays_enabled=False,
                bytes_scanned_cutoff_per_query=cutoff_bytes,
                engine_version=CfnWorkGroup.EngineVersionProperty(selected_engine_version=ENGINE),
                result_configuration=CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{results.bucket.bucket_name}/{prefix}",
                    expected_bucket_owner=Aws.ACCOUNT_ID,
                    encryption_configuration=CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=results.key.key_arn
                    ),
                ),
            ),
        )
        self.workgroup.apply_removal_policy(removal_policy)

    @property
    def arn(self) -> str:
        """The workgroup's ARN, which CloudFormation does not return."""
        stack = Stack.of(self)
        return f"arn:{Aws.PARTITION}:athena:{stack.region}:{stack.account}:workgroup/{self.workgroup.ref}"

    def metric_scanned(self, state: str) -> Metric:
        """Bytes that statements read which ended in `state`: SUCCEEDED, FAILED or CANCELED (as by the cut-off).

        Source: Athena User Guide, "Monitor Athena query metrics with CloudWatch".
        """
        where = {"WorkGroup": self.workgroup.ref, "QueryType": "DML", "QueryState": state}
        return Metric(namespace="AWS/Athena", metric_name="ProcessedBytes", dimensions_map=where)

    def add_query(self, name: str, *, database: CfnDatabase, comment: str, sql: str) -> CfnNamedQuery:
        """Add a named query to the workgroup."""
        return CfnNamedQuery(
            self,
            name,
            name=name,
            description=comment,
            database=database.ref,
            query_string=sql,
            work_group=self.workgroup.ref,
        )

    def grant_query(
        self,
        policy: ManagedPolicy,
        *,
        database: CfnDatabase,
        tables: Sequence[str],
        data: PrivateBucket,
        prefixes: Sequence[str],
    ) -> None:
        """Allow running statements here that read these tables, with files below `prefixes` of `data`; no change."""
        Grant.add_to_principal(grantee=policy, actions=list(QUERY_ACTIONS), resource_arns=[self.arn])
        grant_tables(policy, database=database, tables=tables, actions=SCHEMA_ACTIONS)
        grant_catalog(policy, database=DEFAULT_DATABASE, actions=LOOKUP_ACTIONS)
        data.grant_on_bucket(policy, actions=["s3:GetBucketLocation", "s3:ListBucket"])
        data.grant(policy, prefixes=prefixes, actions=["s3:GetObject"])
        data.grant_key(policy, "Decrypt")
        self._results.grant_on_bucket(
            policy, actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
        )
        self._results.grant(policy, prefixes=[self._prefix], actions=RESULT_ACTIONS)
        self._results.grant_key(policy, "Decrypt", "GenerateDataKey")
