"""Glue tables over Parquet files, without a crawler: in daily folders, or all below one prefix."""

from collections.abc import Mapping, Sequence

from aws_cdk import Aws
from aws_cdk.aws_glue import CfnDatabase, CfnTable
from aws_cdk.aws_iam import Grant, IGrantable
from aws_cdk.aws_s3 import IBucket
from constructs import Construct

INPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
OUTPUT_FORMAT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

GlueColumn = Mapping[str, str]
"""`name`, `type` and optionally `comment`, as in Glue's API."""


def day_projection(partition: str, *, location: str, first_day: str) -> dict[str, str]:
    """Table parameters with which Athena computes the days' partitions from `first_day` (YYYY-MM-DD) to today (UTC).

    Source: Athena User Guide, "Supported types for partition projection", date type.
    """
    return {
        "projection.enabled": "true",
        f"projection.{partition}.type": "date",
        f"projection.{partition}.format": "yyyy-MM-dd",
        f"projection.{partition}.range": f"{first_day},NOW",
        f"projection.{partition}.interval": "1",
        f"projection.{partition}.interval.unit": "DAYS",
        "storage.location.template": f"{location}{partition}=${{{partition}}}/",
    }


class DailyParquetTable(Construct):
    """`columns` in files below `prefix`, one folder `partition=YYYY-MM-DD` a day."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        database: CfnDatabase,
        name: str,
        description: str,
        columns: list[GlueColumn],
        partition: GlueColumn,
        bucket: IBucket,
        prefix: str,
        first_day: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.partition = partition["name"]
        self._database = database
        location = f"s3://{bucket.bucket_name}/{prefix}"
        projection = day_projection(self.partition, location=location, first_day=first_day)
        self.table = CfnTable(
            self,
            "Table",
            catalog_id=Aws.ACCOUNT_ID,
            database_name=database.ref,
            table_input=_table_input(name, description, columns, location, [partition], projection),
        )

    def grant_schema(self, grantee: IGrantable) -> None:
        """Allow reading the columns of every version of the table."""
        grant_tables(
            grantee,
            database=self._database,
            tables=[self.name],
            actions=["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
        )


class ParquetTable(Construct):
    """`columns` in all files below `prefix`, which are few: nothing tells them apart. There need not be any."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        database: CfnDatabase,
        name: str,
        description: str,
        columns: list[GlueColumn],
        bucket: IBucket,
        prefix: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.table = CfnTable(
            self,
            "Table",
            catalog_id=Aws.ACCOUNT_ID,
            database_name=database.ref,
            table_input=_table_input(name, description, columns, f"s3://{bucket.bucket_name}/{prefix}", [], {}),
        )


def _table_input(
    name: str,
    description: str,
    columns: list[GlueColumn],
    location: str,
    partitions: list[GlueColumn],
    projection: Mapping[str, str],
) -> CfnTable.TableInputProperty:
    return CfnTable.TableInputProperty(
        name=name,
        description=description,
        table_type="EXTERNAL_TABLE",
        parameters={"EXTERNAL": "TRUE", "classification": "parquet", **projection},
        partition_keys=[CfnTable.ColumnProperty(**each) for each in partitions],
        storage_descriptor=CfnTable.StorageDescriptorProperty(
            columns=[CfnTable.ColumnProperty(**each) for each in columns],
            location=location,
            input_format=INPUT_FORMAT,
            output_format=OUTPUT_FORMAT,
            serde_info=CfnTable.SerdeInfoProperty(
                serialization_library=SERDE, parameters={"serialization.format": "1"}
            ),
        ),
    )


def grant_tables(grantee: IGrantable, *, database: CfnDatabase, tables: Sequence[str], actions: Sequence[str]) -> None:
    """Allow exactly `actions` on these tables. Glue asks for the catalog and the database as well."""
    grant_catalog(grantee, database=database.ref, tables=tables, actions=actions)


def grant_catalog(grantee: IGrantable, *, database: str, actions: Sequence[str], tables: Sequence[str] = ()) -> None:
    """Allow exactly `actions` on the catalog, a database and tables in it, all by name."""
    resources = ["catalog", f"database/{database}", *(f"table/{database}/{each}" for each in tables)]
    arns = [f"arn:{Aws.PARTITION}:glue:{Aws.REGION}:{Aws.ACCOUNT_ID}:{each}" for each in resources]
    Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=arns)
