"""Finds the files of SQL, reads their headings, and puts values in the place of `:name`. Standard library only.

A file begins with a comment: what it answers, then a line for each placeholder of a query, or `-- column NAME TYPE`
(Glue's types) for each column of a view. The statement follows, without a semicolon. A placeholder's line is
`-- parameter NAME KIND, e.g. SQL`, with the expression that replaces it where no value can be given (in Athena's
console), or `-- parameter NAME KIND, or VALUE`, with its default value.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from textwrap import wrap

FOLDER = Path(__file__).parent
_HEADING = re.compile(r"(?:--[^\n]*\n)+")
_DECLARATION = re.compile(r"-- (parameter|column) (\w+) ([^\s,(]+(?:\([^)\n]*\))?)(?:, (e\.g\.|or) ([^\n]+))?\n")
_PLACEHOLDER_OR_TEXT = re.compile(r"'(?:[^']|'')*'|--[^\n]*|(?<![:\w]):([a-z_]\w*)")
_WIDTH = 110
_INTEGER = re.compile(r"-?[0-9]{1,18}")


class StatementError(Exception):
    """There is no such statement, or it cannot be filled in. The message is a sentence for the user."""


class MissingValueError(StatementError):
    """Parameters have no value; `names` lists them."""

    def __init__(self, statement: str, names: Sequence[str]) -> None:
        super().__init__(f"{statement} needs a value for {', '.join(names)}.")
        self.names = names


@dataclass(frozen=True)
class Statement:
    """One file. `answers` is its comment, `parameters` maps names to kinds, `columns` names to types; `sql` the rest.

    `examples` maps parameters to SQL expressions, `defaults` maps optional parameters to their default values.
    """

    name: str
    answers: str
    parameters: Mapping[str, str]
    examples: Mapping[str, str]
    defaults: Mapping[str, str]
    columns: Mapping[str, str]
    sql: str

    def fill(self, values: Mapping[str, object]) -> str:
        """The statement with every placeholder replaced by a literal. Raises StatementError."""
        wrong = sorted(values.keys() - self.parameters.keys())
        if wrong:
            known = ", ".join(self.parameters) or "none"
            raise StatementError(f"{self.name} has no parameter {wrong[0]}; its parameters: {known}.")
        given = {**self.defaults, **values}
        missing = sorted(self.parameters.keys() - given.keys())
        if missing:
            raise MissingValueError(self.name, missing)
        return self._with({name: literal(name, kind, given[name]) for name, kind in self.parameters.items()})

    def as_it_stands(self) -> str:
        """The statement for Athena's console, where it runs as it is.

        Its comment comes first, then `parameters`: one row that holds each value once, for editing. Raises
        StatementError when a parameter has neither example nor default.
        """
        written = {**self.examples, **self.defaults}
        if unknown := sorted(self.parameters.keys() - written.keys()):
            raise StatementError(f"{self.name} cannot run without values: there is no example of {', '.join(unknown)}.")
        comment = "".join(f"-- {line}\n" for line in wrap(self.answers, _WIDTH))
        if not self.parameters:
            return f"{comment}{self.sql}\n"
        row = ",\n".join(f"    {written[name]} AS {name}" for name in self.parameters)
        sql = self._with({name: f"(SELECT {name} FROM parameters)" for name in self.parameters})  # noqa: S608
        return f"{comment}WITH parameters AS (\n  SELECT\n{row}\n)\n{sql}\n"

    def _with(self, replacements: Mapping[str, str]) -> str:
        return _PLACEHOLDER_OR_TEXT.sub(lambda found: replacements.get(found[1] or "", found[0]), self.sql)


def literal(name: str, kind: str, value: object) -> str:
    """A value as an SQL literal of its kind: date, timestamp, integer or string. Raises StatementError."""
    text = str(value)
    try:
        match kind:
            case "date":
                return f"DATE '{date.fromisoformat(text)}'"
            case "timestamp":
                return f"TIMESTAMP '{_utc(text)}'"
            case "integer" if _INTEGER.fullmatch(text):
                return text
            case "string":
                return "'" + text.replace("'", "''") + "'"
    except (ValueError, OverflowError):  # a time whose offset takes it out of the calendar overflows
        pass
    raise StatementError(f"{name} is of kind {kind}, but {text!r} is not.")


def _utc(text: str) -> str:
    moment = datetime.fromisoformat(text)
    offset = moment.utcoffset()
    if offset is not None:
        moment = moment.replace(tzinfo=None) - offset
    return moment.isoformat(sep=" ", timespec="milliseconds")


def views() -> dict[str, Statement]:
    """The views by name. A view comes after the views that it reads."""
    found = _read(FOLDER / "views")
    reads = {name: {other for other in found if _names(other, view.sql)} - {name} for name, view in found.items()}
    return {name: found[name] for name in TopologicalSorter(reads).static_order()}


def _names(table: str, sql: str) -> bool:
    return re.search(rf"\b{table}\b", sql) is not None


def queries() -> dict[str, Statement]:
    """The named queries by name."""
    return _read(FOLDER / "queries")


def query(name: str) -> Statement:
    """A named query. Raises StatementError, which lists the names there are."""
    found = queries()
    if name not in found:
        raise StatementError(f"There is no query {name}; there are {', '.join(found)}.")
    return found[name]


def _read(folder: Path) -> dict[str, Statement]:
    return {path.stem: parse(path.stem, path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.sql"))}


def parse(name: str, text: str) -> Statement:
    """A statement from the text of its file. Raises StatementError when it has no heading."""
    heading = _HEADING.match(text)
    if heading is None:
        raise StatementError(f"{name} does not begin with a comment that says what it answers.")
    declared: dict[str, dict[str, str]] = {"parameter": {}, "column": {}, "e.g.": {}, "or": {}}
    for what, its_name, kind, how, value in _DECLARATION.findall(heading[0]):
        declared[what][its_name] = kind
        if how:
            declared[how][its_name] = value
    prose = _DECLARATION.sub("", heading[0])
    answers = " ".join(line.removeprefix("--").strip() for line in prose.splitlines())
    return Statement(
        name,
        answers,
        parameters=declared["parameter"],
        examples=declared["e.g."],
        defaults=declared["or"],
        columns=declared["column"],
        sql=text[heading.end() :].strip(),
    )
