"""The workgroup, the views and the named queries: what stands in `analytics/` is what is deployed."""

import base64
import json
import re
from typing import Any

import pytest
import sqlglot
from aws_cdk import Stack
from sqlglot import exp

from analytics import catalog
from constructs_lib.athena_view import InvalidViewError, View, sql_type, view_text
from tests.infrastructure.permissions import policy_allows, rendered
from tests.infrastructure.synthesis import REPOSITORY, Deployable, Synthesized

ANALYTICS = REPOSITORY / "analytics"
WORKGROUP = "AWS::Athena::WorkGroup"


def views(environment: Synthesized) -> dict[str, dict[str, Any]]:
    """The inputs of the Glue tables that are views, by name."""
    tables = [each["Properties"]["TableInput"] for each in environment.lake.resources("AWS::Glue::Table").values()]
    return {each["Name"]: each for each in tables if each["TableType"] == "VIRTUAL_VIEW"}


def decoded(text: str) -> dict[str, Any]:
    """The document inside a view's text."""
    assert text.startswith("/* Presto View: ")
    assert text.endswith(" */")
    document: dict[str, Any] = json.loads(base64.b64decode(text[len("/* Presto View: ") : -len(" */")], validate=True))
    return document


def test_nobody_overrides_the_workgroups_settings(anywhere: Synthesized) -> None:
    _, workgroup = anywhere.lake.only(WORKGROUP)
    properties = workgroup["Properties"]
    configuration = properties["WorkGroupConfiguration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["PublishCloudWatchMetricsEnabled"] is True
    assert configuration["BytesScannedCutoffPerQuery"] == anywhere.config.query_cutoff_bytes
    results = configuration["ResultConfiguration"]
    assert rendered(anywhere, anywhere.lake, results["OutputLocation"]) == "s3://<Lake/Results/Bucket>/athena/"
    assert results["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"
    assert rendered(anywhere, anywhere.lake, results["EncryptionConfiguration"]["KmsKey"]) == "<Lake/Key>"


def test_a_view_for_each_file_under_its_name(anywhere: Synthesized) -> None:
    assert set(views(anywhere)) == {file.stem for file in (ANALYTICS / "views").glob("*.sql")}
    assert {"delivered_events", "domain_events", "account_balances", "daily_account_activity"} <= set(views(anywhere))


def test_a_view_is_what_athena_would_have_stored_itself(anywhere: Synthesized) -> None:
    for name, view in views(anywhere).items():
        document = decoded(rendered(anywhere, anywhere.lake, view["ViewOriginalText"]))
        declared = catalog.views()[name]
        assert document["originalSql"] in (ANALYTICS / "views" / f"{name}.sql").read_text()
        assert document["originalSql"].startswith("SELECT")
        assert (document["catalog"], document["schema"]) == ("awsdatacatalog", "<Lake/Database>")
        assert [each["name"] for each in document["columns"]] == list(declared.columns)
        assert {each["type"] for each in document["columns"]} <= {
            "varchar",
            "boolean",
            "bigint",
            "decimal(38,0)",
            "timestamp(3)",
            "date",
        }
        columns = view["StorageDescriptor"]["Columns"]
        assert {each["Name"]: each["Type"] for each in columns} == dict(declared.columns)
        assert view["Parameters"] == {"presto_view": "true", "comment": "Presto View"}
        assert view["ViewExpandedText"] == "/* Presto View */"


def test_views_and_table_are_in_the_database_that_the_views_name(anywhere: Synthesized) -> None:
    database_id, _ = anywhere.lake.only("AWS::Glue::Database")
    anywhere.lake.template.all_resources_properties("AWS::Glue::Table", {"DatabaseName": {"Ref": database_id}})


def test_every_query_is_offered_by_name_with_what_it_answers(cloud: Synthesized) -> None:
    workgroup_id, _ = cloud.lake.only(WORKGROUP)
    queries = {
        each["Properties"]["Name"]: each["Properties"]
        for each in cloud.lake.resources("AWS::Athena::NamedQuery").values()
    }
    files = {file.stem for file in (ANALYTICS / "queries").glob("*.sql")}
    assert set(queries) == files
    for name, each in queries.items():
        assert each["QueryString"] == catalog.query(name).as_it_stands()
        assert 0 < len(each["Description"]) <= 1024
        assert each["WorkGroup"] == {"Ref": workgroup_id}


def test_every_offered_query_runs_as_it_stands(cloud: Synthesized) -> None:
    known = {"events", "revocations", *catalog.views()}
    for each in cloud.lake.resources("AWS::Athena::NamedQuery").values():
        (statement,) = sqlglot.parse(each["Properties"]["QueryString"], dialect="athena")
        assert isinstance(statement, exp.Query)
        assert not list(statement.find_all(exp.Placeholder, exp.Parameter))
        named_here = {cte.alias for cte in statement.find_all(exp.CTE)}
        assert {table.name for table in statement.find_all(exp.Table)} <= known | named_here


def test_the_emulator_which_knows_no_named_query_gets_none(local: Synthesized) -> None:
    assert not local.lake.resources("AWS::Athena::NamedQuery")


def test_the_page_names_every_role_that_queries_for_where_lake_formation_decides(anywhere: Synthesized) -> None:
    """What the page does not name can query no more once it is carried out."""
    page = (REPOSITORY / "docs/deploy.md").read_text(encoding="utf-8")
    table = re.findall(r"^\|.*`…-(\w+)…` of the `(\w+)` stack", page, flags=re.MULTILINE)
    queries = {
        (role, stack.name.rpartition("-")[2])
        for stack in anywhere.stacks
        for role, resource in stack.resources("AWS::IAM::Role").items()
        for policy in resource["Properties"].get("ManagedPolicyArns", [])
        if _is_may_query(anywhere, stack, policy)
    }
    assert len(queries) >= 3
    for role, stack_name in queries - {each for each in queries if each[1] == "Dashboards"}:
        assert any(role.startswith(start) and stack_name == of for start, of in table), (role, stack_name)


def _is_may_query(environment: Synthesized, stack: Deployable, policy: Any) -> bool:
    is_managed_by_aws = isinstance(policy, dict) and "Fn::Join" in policy
    return not is_managed_by_aws and rendered(environment, stack, policy) == "<Lake/MayQuery>"


def test_whoever_may_query_reads_events_and_writes_results_only(anywhere: Synthesized) -> None:
    lookup = {"glue:GetDatabase", "glue:GetDatabases"}
    schema = {*lookup, "glue:GetPartitions", "glue:GetTable"}
    glue = "arn:<Partition>:glue:<Region>:<AccountId>"
    tables = ("events", "revocations", *catalog.views())
    assert policy_allows(anywhere, anywhere.lake, "Lake/MayQuery") == {
        "arn:<Partition>:athena:<Region>:<AccountId>:workgroup/<Lake/Queries/Workgroup>": {
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
            "athena:GetWorkGroup",
            "athena:StartQueryExecution",
            "athena:StopQueryExecution",
        },
        f"{glue}:catalog": schema,
        f"{glue}:database/<Lake/Database>": schema,
        f"{glue}:database/default": lookup,
        **{f"{glue}:table/<Lake/Database>/{table}": schema for table in tables},
        "<Lake/Lake/Bucket>": {"s3:GetBucketLocation", "s3:ListBucket"},
        "<Lake/Lake/Bucket>/events/*": {"s3:GetObject"},
        "<Lake/Lake/Bucket>/revocations/*": {"s3:GetObject"},
        "<Lake/Key> via s3": {"kms:Decrypt", "kms:GenerateDataKey"},
        "<Lake/Results/Bucket>": {"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"},
        "<Lake/Results/Bucket>/athena/*": {
            "s3:AbortMultipartUpload",
            "s3:GetObject",
            "s3:ListMultipartUploadParts",
            "s3:PutObject",
        },
    }


def test_a_view_without_columns_or_with_nested_ones_is_refused() -> None:
    with pytest.raises(InvalidViewError, match="names no column"):
        View(name="empty", comment="", columns=(), sql="SELECT 1")
    with pytest.raises(InvalidViewError, match="struct<a:bigint> cannot be"):
        sql_type("struct<a:bigint>")


def test_text_outside_ascii_survives_in_a_view() -> None:
    view = View(name="v", comment="", columns=(("a", "string"),), sql="SELECT 'für' AS a")
    resolved = Stack().resolve(view_text(view, database="d"))
    _, [before, encoded, after] = resolved["Fn::Join"]
    assert (before, after) == ("/* Presto View: ", " */")
    assert json.loads(encoded["Fn::Base64"])["originalSql"] == "SELECT 'für' AS a"
    assert encoded["Fn::Base64"].isascii()
