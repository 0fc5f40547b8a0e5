"""Dashboards in QuickSight over the daily view, deployed only if the configuration names their owner."""

from aws_cdk import Aws, CfnOutput, Stack
from aws_cdk.aws_iam import Grant, Role, ServicePrincipal
from aws_cdk.aws_quicksight import CfnDashboard, CfnDataSet, CfnDataSource, CfnRefreshSchedule
from constructs import Construct

from analytics import catalog
from constructs_lib.dashboard import Chart, definition
from constructs_lib.parquet_table import grant_tables
from constructs_lib.stack_suffix import stack_suffix
from stacks.environment import Environment
from stacks.lake import LakeStack
from stacks.quicksight_owner import DASHBOARD_ACTIONS, DATA_SET_ACTIONS, DATA_SOURCE_ACTIONS

CATALOG = "AwsDataCatalog"
VIEW = "daily_account_activity"
COLUMN_TYPES = {
    "string": ("STRING", None),
    "bigint": ("INTEGER", None),
    "decimal(38,0)": ("DECIMAL", "FLOAT"),
    "date": ("DATETIME", None),
}
"""QuickSight's names of the view's types, with a sub type for SPICE. Source: QuickSight API Reference, "InputColumn".

Sums pass an integer's 64 bits. SPICE's fixed decimals have four places, of which no sum here has use, and fewer digits
before them than its floating ones. It shows no number beyond 2^53 exactly ("Supported data types and values").
"""
REFRESH_AT = "02:30"
"""In UTC, an hour after the daily report."""

CHARTS = (
    *(
        Chart(name=measure, title=title, measures=(measure,), by="currency", day="day")
        for measure, title in (
            ("events", "Events a day"),
            ("opened", "Accounts opened a day"),
            ("closed", "Accounts closed a day"),
            ("credits", "Credits a day"),
            ("credited", "Credited a day, in minor units"),
            ("withdrawals", "Withdrawals a day"),
            ("withdrawn", "Withdrawn a day, in minor units"),
            ("transfers", "Transfers a day"),
            ("transferred", "Transferred a day, in minor units"),
            ("net", "Net change of all balances a day, in minor units"),
        )
    ),
    Chart(name="active", title="Active accounts a day", distinct="account_id", by="currency", day="day"),
    Chart(
        name="totals",
        title="All days by currency, in minor units",
        measures=("credited", "withdrawn", "transferred", "net"),
        by="currency",
    ),
    Chart(name="busiest", title="Accounts with the most events", measures=("events",), by="account_id"),
)
"""The figures of the daily report, one chart each. The view's columns are named and counted as the report's."""

CATALOG_ACTIONS = (
    "athena:GetDataCatalog",
    "athena:GetDatabase",
    "athena:GetTableMetadata",
    "athena:ListDatabases",
    "athena:ListTableMetadata",
)
"""The actions with which QuickSight reads the catalog, besides those that any query needs."""
TABLE_ACTIONS = ("glue:BatchGetPartition", "glue:GetPartition", "glue:GetTables")
"""The same for Glue. Source of both: AWS Managed Policy Reference, AWSQuicksightAthenaAccess, which allows them all."""


class DashboardsStack(Stack):
    """A data source with a role of its own, a data set that SPICE keeps and refreshes daily, and a dashboard."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Environment, lake: LakeStack) -> None:
        super().__init__(scope, construct_id)
        self._config = config
        self._id = f"daybook-{config.name}-{stack_suffix()}"
        self._owner = f"arn:{Aws.PARTITION}:quicksight:{Aws.REGION}:{Aws.ACCOUNT_ID}:user/{config.quicksight_user}"
        source = self._data_source(lake)
        data_set = self._data_set(source, lake)
        self._refresh(data_set)
        dashboard = CfnDashboard(
            self,
            "Dashboard",
            aws_account_id=Aws.ACCOUNT_ID,
            dashboard_id=self._id,
            name=f"Daybook {config.name}",
            permissions=[
                CfnDashboard.ResourcePermissionProperty(principal=self._owner, actions=list(DASHBOARD_ACTIONS))
            ],
            definition=definition(data_set_arn=data_set.attr_arn, title="Daily activity", charts=CHARTS),
        )
        CfnOutput(self, "DashboardArn", value=dashboard.attr_arn)

    def _data_source(self, lake: LakeStack) -> CfnDataSource:
        role = Role(
            self,
            "Role",
            description="Queries the lake for the dashboards",
            # No condition is documented. Source: QuickSight User Guide, "Passing IAM roles to QuickSight". It takes a
            # role of its own account only ("Running queries as an IAM role in Amazon QuickSight").
            assumed_by=ServicePrincipal("quicksight.amazonaws.com"),
            managed_policies=[lake.may_query],
        )
        Grant.add_to_principal(
            grantee=role, actions=["athena:GetQueryResultsStream"], resource_arns=[lake.workgroup.arn]
        )
        catalog_arn = f"arn:{Aws.PARTITION}:athena:{Aws.REGION}:{Aws.ACCOUNT_ID}:datacatalog/{CATALOG}"
        Grant.add_to_principal(grantee=role, actions=list(CATALOG_ACTIONS), resource_arns=[catalog_arn])
        grant_tables(role, database=lake.database, tables=lake.readable, actions=TABLE_ACTIONS)
        source = CfnDataSource(
            self,
            "Source",
            aws_account_id=Aws.ACCOUNT_ID,
            data_source_id=self._id,
            name=f"Daybook {self._config.name}",
            type="ATHENA",
            data_source_parameters=CfnDataSource.DataSourceParametersProperty(
                athena_parameters=CfnDataSource.AthenaParametersProperty(
                    work_group=lake.workgroup.workgroup.ref, role_arn=role.role_arn
                )
            ),
            ssl_properties=CfnDataSource.SslPropertiesProperty(disable_ssl=False),
            permissions=[
                CfnDataSource.ResourcePermissionProperty(principal=self._owner, actions=list(DATA_SOURCE_ACTIONS))
            ],
        )
        source.node.add_dependency(role)  # with its policy: QuickSight tries the connection when it is created
        return source

    def _data_set(self, source: CfnDataSource, lake: LakeStack) -> CfnDataSet:
        columns = [
            CfnDataSet.InputColumnProperty(name=name, type=COLUMN_TYPES[kind][0], sub_type=COLUMN_TYPES[kind][1])
            for name, kind in catalog.views()[VIEW].columns.items()
        ]
        table = CfnDataSet.RelationalTableProperty(
            data_source_arn=source.attr_arn,
            catalog=CATALOG,
            schema=lake.database.ref,
            name=VIEW,
            input_columns=columns,
        )
        return CfnDataSet(
            self,
            "DataSet",
            aws_account_id=Aws.ACCOUNT_ID,
            data_set_id=f"{self._id}-daily",
            name=f"Daybook {self._config.name}, daily activity",
            import_mode="SPICE",
            physical_table_map={"daily": CfnDataSet.PhysicalTableProperty(relational_table=table)},
            permissions=[CfnDataSet.ResourcePermissionProperty(principal=self._owner, actions=list(DATA_SET_ACTIONS))],
        )

    def _refresh(self, data_set: CfnDataSet) -> None:
        schedule = CfnRefreshSchedule(
            self,
            "Refresh",
            aws_account_id=Aws.ACCOUNT_ID,
            data_set_id=data_set.ref,
            schedule=CfnRefreshSchedule.RefreshScheduleMapProperty(
                schedule_id="daily",
                refresh_type="FULL_REFRESH",
                schedule_frequency=CfnRefreshSchedule.ScheduleFrequencyProperty(
                    interval="DAILY", time_of_the_day=REFRESH_AT, time_zone="UTC"
                ),
            ),
        )
        schedule.add_resource_dependency(data_set)
