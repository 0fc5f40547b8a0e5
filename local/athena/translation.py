"""Translates a statement from Athena's SQL into DuckDB's, and replaces the name of a view with its statement."""

from collections.abc import Callable, Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from local.athena.tables import Table

Relation = Callable[[Table], exp.Expression]
"""Gives the expression that replaces a table of files in the translated statement."""


class MalformedQueryError(Exception):
    """Athena would refuse the statement. The message is a sentence."""


class TableNotFoundError(Exception):
    """The statement reads a table that does not exist. The message is Athena's."""


def parse(sql: str) -> exp.Query:
    """The one SELECT in a text. Raises MalformedQueryError."""
    try:
        statements = [each for each in sqlglot.parse(sql, dialect="athena") if each is not None]
    except ParseError as error:
        found = error.errors[0] if error.errors else {}
        raise MalformedQueryError(
            f"line {found.get('line', 1)}:{found.get('col', 1)}: {found.get('description', error)}"
            f" near '{found.get('highlight', '')}'"
        ) from None
    except TokenError as error:
        raise MalformedQueryError(f"line 1:1: {str(error).splitlines()[0]}") from None
    if len(statements) != 1:
        raise MalformedQueryError(f"Only one statement at a time can be run, and there are {len(statements)}.")
    (statement,) = statements
    if not isinstance(statement, exp.Query):
        raise MalformedQueryError("Only queries (SELECT, WITH) can be run here: tables and views are deployed.")
    return statement


def translate(sql: str, tables: Mapping[str, Table], relation: Relation, *, database: str) -> str:
    """The statement for DuckDB. Raises MalformedQueryError and TableNotFoundError."""
    resolved = _resolved(parse(sql), tables, relation, database)
    _name_columns(resolved)
    _divide_whole_numbers(resolved)
    return resolved.transform(_whole_units).transform(_numbers_in_base_16).sql(dialect="duckdb", comments=False)


def _name_columns(query: exp.Query) -> None:
    """Name columns as Athena does: it calls a column without a name `_col0` by its place, DuckDB `count_star()`.

    A column after a `*` keeps DuckDB's name, because the number of columns before it is not known here.
    """
    for select in list(query.find_all(exp.Select)):
        for place, column in enumerate(select.expressions):
            if column.is_star:
                break
            if not column.alias and not isinstance(column.unnest(), (exp.Column, exp.Dot)):
                column.replace(exp.alias_(column.copy(), f"_col{place}"))


def _divide_whole_numbers(query: exp.Query) -> None:
    """`/` of two integers is a truncated integer in Athena. DuckDB's `//` does that, and divides other numbers as `/`.

    Source: Trino documentation, "Mathematical functions and operators"; for DuckDB's operators, the tests.
    """
    for division in list(query.find_all(exp.Div)):
        division.replace(exp.IntDiv(this=division.this, expression=division.expression))


def _whole_units(node: exp.Expression) -> exp.Expression:
    """Athena's `date_diff` counts whole units, as DuckDB's `date_sub` does; DuckDB's `date_diff` counts boundaries."""
    if not isinstance(node, exp.DateDiff):
        return node
    unit = exp.Literal.string(node.text("unit").lower() or "day")
    return exp.Anonymous(this="date_sub", expressions=[unit, node.expression, node.this])


def _numbers_in_base_16(node: exp.Expression) -> exp.Expression:
    """Athena's `from_base(text, 16)`: DuckDB reads such a number from a text that begins with 0x."""
    if not isinstance(node, exp.FromBase):
        return node
    if node.text("expression") != "16":
        raise MalformedQueryError("from_base is known here with the base 16 only.")
    return exp.cast(exp.DPipe(this=exp.Literal.string("0x"), expression=exp.paren(node.this)), "BIGINT")


def _resolved(query: exp.Query, tables: Mapping[str, Table], relation: Relation, database: str) -> exp.Query:
    named_here = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
    for reference in list(query.find_all(exp.Table)):
        name, schema = reference.name.lower(), reference.db.lower()
        if not name or (not schema and name in named_here) or schema == "information_schema":
            continue
        table = tables.get(name) if schema in {"", database.lower()} else None
        if table is None:
            raise TableNotFoundError(
                f"TABLE_NOT_FOUND: Table 'awsdatacatalog.{schema or database}.{name}' does not exist"
            )
        if table.view_sql:
            source: exp.Expression = _resolved(parse(table.view_sql), tables, relation, database).subquery()
        else:
            source = relation(table)
        alias = reference.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name))
        source.set("alias", alias.copy())
        reference.replace(source)
    return query


def empty_relation(table: Table) -> exp.Expression:
    """A SELECT of no rows with the table's columns: the emulator has no types for structs of a table without files."""
    nulls = ", ".join(
        f'CAST(NULL AS {exp.DataType.build(kind, dialect="hive").sql("duckdb")}) AS "{name}"'
        for name, kind in table.columns.items()
    )
    return select(f"SELECT {nulls} WHERE FALSE").subquery()


def select(sql: str) -> exp.Query:
    """A SELECT in DuckDB's SQL."""
    parsed = sqlglot.parse_one(sql, dialect="duckdb")
    assert isinstance(parsed, exp.Query)  # noqa: S101 - the text is ours
    return parsed
