"""Every file is Athena's SQL with a heading, and its placeholders are filled in safely."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from analytics.catalog import FOLDER, Statement, StatementError, parse, queries, query, views

EVERY = {**views(), **queries()}
EXAMPLES = {"date": "2026-03-01", "timestamp": "2026-03-01T10:00:00Z", "integer": "3", "string": "x"}


def example(statement: Statement) -> str:
    return statement.fill({name: EXAMPLES[kind] for name, kind in statement.parameters.items()})


@pytest.mark.parametrize("name", EVERY)
def test_every_file_is_one_statement_in_athenas_dialect(name: str) -> None:
    (statement,) = sqlglot.parse(example(EVERY[name]), dialect="athena")
    assert isinstance(statement, exp.Query)
    assert not list(statement.find_all(exp.Placeholder))
    assert ";" not in EVERY[name].sql


@pytest.mark.parametrize("name", EVERY)
def test_every_file_says_what_it_answers(name: str) -> None:
    assert len(EVERY[name].answers) > 40
    text = next(FOLDER.rglob(f"{name}.sql")).read_text()
    assert text.startswith("-- ")
    assert all(len(line) <= 120 for line in text.splitlines())


def test_the_questions_there_are() -> None:
    assert {*views()} == {
        "delivered_events", "event_digests", "domain_events", "account_balances", "daily_account_activity"
    }  # fmt: skip
    assert list(views()).index("delivered_events") < list(views()).index("domain_events")
    assert {"account_statement", "balances_as_of", "top_movers", "reconciliation", "daily_report"} <= queries().keys()


@pytest.mark.parametrize("name", queries())
def test_a_query_stands_by_itself_with_each_value_in_one_place(name: str) -> None:
    text = query(name).as_it_stands()
    (statement,) = sqlglot.parse(text, dialect="athena")
    assert isinstance(statement, exp.Query)
    assert not list(statement.find_all(exp.Placeholder, exp.Parameter))
    parameters = query(name).parameters
    rows = [each for each in statement.find_all(exp.CTE) if each.alias == "parameters"]
    assert [each.alias for cte in rows for each in cte.this.selects] == list(parameters)
    for parameter in parameters:
        assert text.count(f"(SELECT {parameter} FROM parameters)") == query(name).sql.count(f":{parameter}") > 0


def test_a_query_without_an_example_does_not_stand_by_itself() -> None:
    statement = parse("x", "-- Why?\n-- parameter a integer\n-- parameter b integer, or 2\nSELECT :a, :b\n")
    assert statement.fill({"a": 1}) == "SELECT 1, 2"
    assert statement.fill({"a": 1, "b": 3}) == "SELECT 1, 3"
    with pytest.raises(StatementError, match="x cannot run without values: there is no example of a"):
        statement.as_it_stands()


def test_a_value_cannot_leave_its_literal() -> None:
    assert "subject = 'a''; DROP'" in query("account_statement").fill({"account_id": "a'; DROP"})


@pytest.mark.parametrize(
    ("name", "values", "complaint"),
    [
        ("daily_report", {}, "needs a value for day"),
        ("daily_report", {"day": "2026-02-30"}, "day is of kind date, but '2026-02-30' is not"),
        ("daily_report", {"day": "2026-03-01", "dya": 1}, "has no parameter dya; its parameters: day"),
        ("top_movers", {"day": "2026-03-01", "top": "1 OR 1=1"}, "top is of kind integer"),
        ("balances_as_of", {"at": "noon"}, "at is of kind timestamp"),
        ("balances_as_of", {"at": "0001-01-01T00:00:00+05:00"}, "at is of kind timestamp"),
        ("balances_as_of", {"at": "9999-12-31T23:59:59-05:00"}, "at is of kind timestamp"),
    ],
)
def test_a_wrong_value_is_a_sentence(name: str, values: dict[str, object], complaint: str) -> None:
    with pytest.raises(StatementError, match=complaint):
        query(name).fill(values)


def test_an_unknown_query_names_those_there_are() -> None:
    with pytest.raises(StatementError, match="There is no query nonsense; there are account_contents"):
        query("nonsense")


def test_a_placeholder_in_a_text_stays() -> None:
    statement = parse("x", "-- Why?\n-- parameter a integer\nSELECT ':a', :a, x::bigint -- :a\n")
    assert statement.fill({"a": 1}) == "SELECT ':a', 1, x::bigint -- :a"


def test_a_file_without_a_heading_is_refused() -> None:
    with pytest.raises(StatementError, match="does not begin with a comment"):
        parse("x", "SELECT 1")
