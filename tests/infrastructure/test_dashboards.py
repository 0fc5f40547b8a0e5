"""QuickSight: off unless the configuration names an owner, and then over the daily view."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analytics import catalog
from constructs_lib.dashboard import Chart, InvalidChartError
from lambdas.reporting.csv_file import AMOUNTS
from lambdas.reporting.figures import CurrencyFigures
from stacks.environment import environment
from tests.infrastructure.permissions import allowed, rendered, trusted
from tests.infrastructure.synthesis import Deployable, Synthesized, synthesize, synthesized_once

DASHBOARD = "AWS::QuickSight::Dashboard"
REPORTED = set(CurrencyFigures.__struct_fields__) - {"day", "currency", "active_accounts"}
"""The report's figures, and the daily view names them alike; active accounts are counted by their ids."""
COUNTS = {name for name in REPORTED if name not in AMOUNTS} | {"account_id"}


@pytest.fixture(scope="module", params=["dev", "prod"])
def on(request: pytest.FixtureRequest, shared: Path) -> Synthesized:
    """Cloud environments whose dashboards belong to somebody; synthesized with the AwsSolutions rules."""
    name = request.param
    config = replace(environment(name), quicksight_user="default/ann")
    return synthesized_once(shared, f"{name}-dashboards", lambda outdir: synthesize(name, outdir=outdir, config=config))


def dashboards(of: Synthesized) -> Deployable:
    """Their stack, which is there."""
    assert of.dashboards is not None
    return of.dashboards


def properties(of: Synthesized, kind: str) -> dict[str, Any]:
    """Properties of the one resource of a type."""
    _, found = dashboards(of).only(kind)
    return dict(found["Properties"])


def test_there_is_no_dashboard_until_it_has_an_owner(anywhere: Synthesized) -> None:
    assert anywhere.config.quicksight_user == ""
    assert anywhere.dashboards is None
    kinds = {each["Type"] for stack in anywhere.stacks for each in stack.body["Resources"].values()}
    assert not any(kind.startswith("AWS::QuickSight::") for kind in kinds)


def test_with_dashboards_all_else_stays_as_it_was(on: Synthesized, environments: Mapping[str, Synthesized]) -> None:
    without = environments[on.config.name]
    assert [each.name for each in on.stacks] == [*(each.name for each in without.stacks), dashboards(on).name]
    assert on.reports.body == without.reports.body


def test_the_data_source_asks_the_workgroup_with_a_role_of_its_own(on: Synthesized) -> None:
    source = properties(on, "AWS::QuickSight::DataSource")
    athena = source["DataSourceParameters"]["AthenaParameters"]
    assert source["Type"] == "ATHENA"
    assert rendered(on, dashboards(on), athena["WorkGroup"]) == "<Lake/Queries/Workgroup>"
    assert rendered(on, dashboards(on), athena["RoleArn"]) == "<Dashboards/Role>"
    assert source["SslProperties"] == {"DisableSsl": False}


def test_that_role_reads_the_lake_and_changes_nothing(on: Synthesized) -> None:
    may = allowed(on, dashboards(on), "Dashboards/Role")
    assert trusted(on, dashboards(on), "Dashboards/Role") == "quicksight.amazonaws.com"
    assert may["<Lake/Lake/Bucket>/events/*"] == {"s3:GetObject"}
    listing = {"glue:BatchGetPartition", "glue:GetPartition", "glue:GetTables"}
    assert {where.rpartition(":")[2] for where, actions in may.items() if listing <= actions} == {
        "catalog",
        "database/<Lake/Database>",
        *(f"table/<Lake/Database>/{name}" for name in ("events", "revocations", *catalog.views())),
    }
    writable = {where for where, actions in may.items() if any("Put" in action for action in actions)}
    assert writable == {"<Lake/Results/Bucket>/athena/*"}
    assert not any("Delete" in action or action.endswith("*") for actions in may.values() for action in actions)


def test_spice_keeps_the_daily_view_column_by_column_and_renews_it_daily(on: Synthesized) -> None:
    data_set = properties(on, "AWS::QuickSight::DataSet")
    [table] = [each["RelationalTable"] for each in data_set["PhysicalTableMap"].values()]
    types = {
        "string": ("STRING", None),
        "bigint": ("INTEGER", None),
        "decimal(38,0)": ("DECIMAL", "FLOAT"),
        "date": ("DATETIME", None),
    }
    expected = {name: types[kind] for name, kind in catalog.views()["daily_account_activity"].columns.items()}
    assert data_set["ImportMode"] == "SPICE"
    assert (table["Catalog"], table["Name"]) == ("AwsDataCatalog", "daily_account_activity")
    assert rendered(on, dashboards(on), table["Schema"]) == "<Lake/Database>"
    assert {each["Name"]: (each["Type"], each.get("SubType")) for each in table["InputColumns"]} == expected
    schedule = properties(on, "AWS::QuickSight::RefreshSchedule")["Schedule"]
    assert schedule["RefreshType"] == "FULL_REFRESH"
    assert schedule["ScheduleFrequency"] == {"Interval": "DAILY", "TimeOfTheDay": "02:30", "TimeZone": "UTC"}


def visuals(of: Synthesized) -> list[dict[str, Any]]:
    """What the dashboard's one sheet shows."""
    definition = properties(of, DASHBOARD)["Definition"]
    [sheet] = definition["Sheets"]
    return [next(iter(each.values())) for each in sheet["Visuals"]]


def columns(visual: dict[str, Any], where: str) -> list[str]:
    """Names of the columns in a field well."""
    [wells] = visual["ChartConfiguration"]["FieldWells"].values()
    return [next(iter(field.values()))["Column"]["ColumnName"] for field in wells.get(where, [])]


def test_the_dashboard_shows_the_reports_figures_from_columns_that_exist(on: Synthesized) -> None:
    known = catalog.views()["daily_account_activity"].columns
    shown = visuals(on)
    used = {name for each in shown for where in ("Category", "Values", "Colors") for name in columns(each, where)}
    assert used <= set(known)
    by_day = {columns(each, "Values")[0] for each in shown if columns(each, "Category") == ["day"]}
    assert {"opened", "closed", "transferred"} < REPORTED <= set(known)
    assert by_day == {*REPORTED, "account_id"}
    assert len({each["VisualId"] for each in shown}) == len(shown)


def test_money_of_different_currencies_is_never_added_up(on: Synthesized) -> None:
    for each in visuals(on):
        if not set(columns(each, "Values")) <= COUNTS:
            assert "currency" in columns(each, "Category") + columns(each, "Colors")


def test_all_of_it_belongs_to_the_user_that_the_configuration_names(on: Synthesized) -> None:
    for kind in (DASHBOARD, "AWS::QuickSight::DataSet", "AWS::QuickSight::DataSource"):
        [permission] = properties(on, kind)["Permissions"]
        owner = rendered(on, dashboards(on), permission["Principal"])
        assert owner == "arn:<Partition>:quicksight:<Region>:<AccountId>:user/default/ann"


def test_a_chart_that_quicksight_would_refuse_is_refused_here() -> None:
    with pytest.raises(InvalidChartError, match="one measure only"):
        Chart(name="two", title="", by="currency", day="day", measures=("a", "b"))
    with pytest.raises(InvalidChartError, match="shows nothing"):
        Chart(name="none", title="", by="currency")
