"""`daybook sql`: what it runs, what it prints, how it exits."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.stub import Stubber
from pyathena.error import OperationalError

from cli.app import main
from cli.aws import AWS
from cli.environments.lake import Target, target_in_aws, target_in_file
from cli.errors import PlaceError, QueryFailedError
from cli.options import ENVIRONMENT_FILE, LOCAL
from cli.sql import prompt as sql_prompt
from cli.sql.output import cost
from cli.sql.session import Result, Session, sentence
from tests.support.envelopes import printed

ROWS: list[tuple[Any, ...]] = [
    ("a, [b]", 10, datetime(2026, 3, 1, 9, 0, 0, 5000), None),  # noqa: DTZ001 - Athena's timestamps carry no zone
    ('say "x"', -5, datetime(2026, 3, 1), date(2026, 3, 1)),  # noqa: DTZ001
]
RESULT = Result(["text", "n", "at", "day"], ROWS, 7_598)
WHERE = {"athena_workgroup": "group", "glue_database": "db", "region": "us-east-1", "athena_endpoint_url": "http://x:1"}


class Asked(AWS):
    """Stands in for Athena: keeps the statements, and fails for `wrong`."""

    def __init__(self) -> None:
        self.targets: list[Target] = []
        self.statements: list[str] = []

    def sql(self, target: Target) -> Callable[[str], Result]:
        self.targets.append(target)
        return self.ask

    def ask(self, statement: str) -> Result:
        self.statements.append(statement)
        if statement == "wrong":
            raise QueryFailedError("There is no such table or view: nope.")
        return RESULT


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def where(tmp_path: Path) -> list[str]:
    path = tmp_path / "environment.json"
    path.write_text(json.dumps(WHERE | {"api_url": "http://x", "headers": {}}))
    return ["--environment-file", str(path)]


def test_one_statement_as_a_table_with_its_cost(
    asked: Asked, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", *where, "SELECT 1;"], connections=asked) == 0
    assert asked.statements == ["SELECT 1"]
    assert asked.targets == [Target(**WHERE)]
    said = capsys.readouterr()
    heading, _, first, second, count = said.out.splitlines()
    assert heading.split() == ["text", "n", "at", "day"]
    assert first.startswith("a, [b]    10   2026-03-01 09:00:00.005")
    assert second.endswith("-5   2026-03-01 00:00:00.000   2026-03-01")
    assert count == "(2 rows)"
    assert said.err == "7.4 KB scanned, $0.000048 on Athena (10 MB are charged at least)\n"


@pytest.mark.parametrize("statement", ["-- a note\nSELECT 1", "--note\nSELECT 1"])
def test_a_statement_may_begin_with_a_comment(asked: Asked, where: list[str], statement: str) -> None:
    assert main(["sql", *where, statement], connections=asked) == 0
    assert asked.statements == [statement]


FORMULAS = ["=1+2", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")', "-5"]
HARMLESS = ["", "a=1", " =1", "'=1", "1-2", "salary"]
NUMBERS: list[Any] = [-5, Decimal("-12.30"), -0.5]


@pytest.mark.parametrize("raw", [False, True])
def test_no_text_of_a_csv_is_a_formula_unless_it_is_asked_for_as_it_is(
    asked: Asked, where: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, raw: bool
) -> None:
    cells = [*FORMULAS, *HARMLESS, *NUMBERS, {"reference": "=1"}]
    result = Result([f"={place}" for place in range(len(cells))], [tuple(cells)], 0)
    monkeypatch.setattr(asked, "ask", lambda _: result)
    assert main(["sql", *where, "--csv", *(["--raw"] if raw else []), "SELECT 1"], connections=asked) == 0
    heading, row = csv.reader(io.StringIO(capfd.readouterr().out, newline=""))
    before = "" if raw else "'"
    assert heading == [before + name for name in result.columns]
    assert row == [
        *(before + text for text in FORMULAS), *HARMLESS, "-5", "-12.30", "-0.5", '{"reference": "=1"}'
    ]  # fmt: skip


def test_raw_goes_with_csv(asked: Asked, where: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", *where, "--raw", "SELECT 1"], connections=asked) == 2
    assert "--raw goes with --csv." in capsys.readouterr().err


def test_csv_and_json_go_to_standard_output_alone(
    asked: Asked, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", *where, "--csv", "SELECT 1"], connections=asked) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [
        ["text", "n", "at", "day"],
        ["a, [b]", "10", "2026-03-01 09:00:00.005", ""],
        ['say "x"', "-5", "2026-03-01 00:00:00.000", "2026-03-01"],
    ]
    assert main(["sql", *where, "--json", "SELECT 1"], connections=asked) == 0
    document = printed("sql", capsys)
    assert (document["ok"], document["problem"], document["data"]["bytes_scanned"]) == (True, None, 7_598)
    assert document["data"]["rows"][0] == {
        "text": "a, [b]", "n": 10, "at": "2026-03-01 09:00:00.005", "day": None
    }  # fmt: skip


def test_a_named_query_and_a_file_are_filled_in(asked: Asked, where: list[str], tmp_path: Path) -> None:
    assert (
        main(["sql", *where, "--name", "daily_report", "-p", "day=2026-03-01", "-p", "late_days=3"], connections=asked)
        == 0
    )
    assert "date_add('day', 3, DATE '2026-03-01')" in asked.statements.pop()
    assert main(["sql", *where, "--name", "balances_as_of", "-p", "at=2026-03-01T10:00:00Z"], connections=asked) == 0
    assert "WHERE recordedtime <= TIMESTAMP '2026-03-01 10:00:00.000'" in asked.statements[0]
    path = tmp_path / "mine.sql"
    path.write_text("-- Mine.\n-- parameter n integer\nSELECT :n;\n")
    assert main(["sql", *where, "--file", str(path), "-p", "n=7"], connections=asked) == 0
    assert asked.statements[1] == "SELECT 7"


def test_a_failing_statement_is_one_sentence(
    asked: Asked, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", *where, "wrong"], connections=asked) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "daybook sql: There is no such table or view: nope.\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--name", "nope"], "There is no query nope; there are account_contents, account_statement"),
        (["--name", "daily_report"], "daily_report needs a value for day. Give -p day=…."),
        (["--name", "daily_report", "-p", "day=2026-03-01", "-p", "late_days=-9"], "late_days is from 3 to 3650"),
        (["--name", "daily_report", "-p", "day=2026-03-01", "-p", "late_days=2"], "and not 2."),
        (["SELECT 1", "-p", "day=2026-03-01"], "-p goes with --name or --file"),
        (["--file", "/nowhere.sql"], "Cannot read /nowhere.sql"),
        (["SELECT 1", "--workgroup", "w"], "--workgroup goes with --env"),
        (["--json"], "--json goes with a statement"),
        (["--xyzzy"], "No such option: --xyzzy"),
        (["SELECT 1", "--environment-file", "/nowhere.json"], "`make run` starts it"),
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: list[str], complaint: str, asked: Asked, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", *where, *arguments], connections=asked) == 2
    assert complaint in capsys.readouterr().err
    assert asked.statements == []


def test_a_parameter_without_a_value_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "--name", "daily_report", "-p", "day"]) == 2
    assert "'day' is not NAME=VALUE" in capsys.readouterr().err


def test_the_prompt_runs_statements_over_lines_and_survives_wrong_ones(
    asked: Asked, where: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        "SELECT 1", "  FROM events;", "", "wrong;", "run daily_report day=2026-03-01", "run daily_report day=x",
        "tables", "queries", "help", "SHOW TABLES;", "DESCRIBE ACCOUNT_BALANCES;", "describe nope;", "SELECT 2", "exit",
    ]  # fmt: skip
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
    assert main(["sql", *where], connections=asked) == 0
    assert asked.statements[:2] == ["SELECT 1\n  FROM events", "wrong"]
    assert "DATE '2026-03-01'" in asked.statements[2]
    assert asked.statements[3] == "SELECT 2\nexit", "a word inside a statement is not a command"
    said = capsys.readouterr()
    assert "There is no such table or view: nope." in said.err
    assert "day is of kind date, but 'x' is not." in said.err
    assert "recordedtime" in said.out
    assert "account_statement (account_id)" in said.out
    assert sql_prompt.HELP in said.out
    assert said.out.count("\naccount_balances\n") == 3
    assert "There is no table or view nope; there are events, " in said.err


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("run top_movers day=2026-03-01 top 2", "'top' is not NAME=VALUE."),
        ("run top_movers day=2026-03-01 =2;", "'=2' is not NAME=VALUE."),
        ("run", "Say which query: run QUERY NAME=VALUE …; there are account_contents, account_statement, "),
        ("run ;", "Say which query: "),
        ("run daily_report day=2026-03-01 late_days=0", "late_days is from 3 to 3650"),
    ],
)
def test_a_mistyped_run_runs_nothing(
    line: str,
    complaint: str,
    asked: Asked,
    where: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{line}\n"))
    assert main(["sql", *where], connections=asked) == 0
    assert asked.statements == []
    assert capsys.readouterr().err.startswith(complaint)


def test_leaving_the_prompt(asked: Asked, where: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("exit\nSELECT 1;\n"))
    assert main(["sql", *where], connections=asked) == 0
    assert asked.statements == []


def test_ten_megabytes_are_charged_at_least() -> None:
    assert Result([], [], 0).dollars == Result([], [], 10 * 1024**2).dollars
    assert Result([], [], 1024**4).dollars == 5.0
    assert cost(Result([], [], 3 * 1024**3)).startswith("3.0 GB scanned, $0.014648")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationalError("Query cancelled! : Bytes scanned limit was exceeded"), "more than the workgroup allows"),
        (
            OperationalError("TABLE_NOT_FOUND: line 1:15: Table 'x' does not exist"),
            "There is no such table or view: line",
        ),
        (
            ClientError(
                {"Error": {"Code": "InvalidRequestException", "Message": "line 1:7: mismatched input 'x'."}},
                "StartQueryExecution",
            ),
            "Athena refuses the statement: line 1:7: mismatched input 'x'.",
        ),
        (
            OperationalError("COLUMN_NOT_FOUND: Column 'x' cannot be resolved\nmore"),
            "The query failed: COLUMN_NOT_FOUND",
        ),
        (NoCredentialsError(), "The query failed: Unable to locate credentials."),
    ],
)
def test_an_error_is_one_sentence(error: Exception, said: str) -> None:
    assert said in sentence(error)
    assert "\n" not in sentence(error)
    assert not sentence(error).endswith("..")


def test_an_environment_in_aws_is_found_by_its_stacks_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = {"AthenaWorkgroupName": "daybook-prod", "GlueDatabaseName": "daybook_prod", "Other": "x"}
    client = boto3.client("cloudformation", "eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")
    monkeypatch.setattr(
        boto3, "client", lambda name, region_name: {("cloudformation", "eu-west-1"): client}[name, region_name]
    )
    with Stubber(client) as stubbed:
        stack = {
            "StackName": "Daybook-prod-Lake", "StackStatus": "CREATE_COMPLETE",
            "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
            "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
        }  # fmt: skip
        stubbed.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "Daybook-prod-Lake"})
        found = target_in_aws("prod", region="eu-west-1")
        assert found == Target(athena_workgroup="daybook-prod", glue_database="daybook_prod", region="eu-west-1")
        stubbed.add_client_error("describe_stacks", "ValidationError", "Stack does not exist")
        with pytest.raises(PlaceError, match="The outputs of Daybook-dev-Lake cannot be read: Stack does not exist"):
            target_in_aws("dev", region="eu-west-1")
    given = target_in_aws("prod", region="eu-west-1", workgroup="w", database="d")
    assert (given.athena_workgroup, given.athena_endpoint_url) == ("w", None)


def test_an_environment_file_from_before_the_lake(tmp_path: Path) -> None:
    path = tmp_path / "environment.json"
    for text in ('{"api_url": "x"}', '{"athena_workgroup": "w", "glue_database": "g"}'):
        path.write_text(text)
        with pytest.raises(PlaceError, match="does not describe a running system with a lake"):
            target_in_file(path)


def test_no_region_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(PlaceError):
        Session(Target(athena_workgroup="w", glue_database="d"))
    with pytest.raises(PlaceError, match=r"the outputs of Daybook-prod-Lake failed: You must specify a region\.$"):
        target_in_aws("prod")


def test_options_default_to_the_local_system_and_a_table(
    asked: Asked, where: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (LOCAL, Path(".local/environment.json")) == ("local", ENVIRONMENT_FILE)
    monkeypatch.chdir(tmp_path)
    ENVIRONMENT_FILE.parent.mkdir()
    Path(where[1]).rename(ENVIRONMENT_FILE)
    assert main(["sql", "SELECT 1"], connections=asked) == 0
    assert asked.targets == [Target(**WHERE)]
    assert capsys.readouterr().out.startswith("text")
