"""Figures of a day for tests, and an Athena that answers from a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from botocore.exceptions import ClientError

from lambdas.athena.queries import Athena, Row
from lambdas.reporting.figures import CurrencyFigures, DailyReport, Mover, daily_report

DAY = date(2026, 11, 21)
ACCOUNT = "8a3c5f0e-1111-4222-8333-{:012}"


def total(currency: str, **figures: int) -> Row:
    """A row of `daily_report`, as text; what is not given is 0."""
    names = [name for name in CurrencyFigures.__struct_fields__ if name not in {"day", "currency"}]
    row: Row = {"day": str(DAY), "currency": currency}
    return row | {name: str(figures.get(name, 0)) for name in names}


def mover(currency: str, place: int, moved: int, net: int = 0, account_id: str | None = None) -> Row:
    """A row of `top_movers`, as text."""
    return {
        "day": str(DAY), "currency": currency, "place": str(place), "moved": str(moved), "net": str(net), "events": "2",
        "account_id": account_id or ACCOUNT.format(place),
    }  # fmt: skip


def counted(missing: int, day: date = DAY) -> Row:
    """A row of `reconciliation`, as text."""
    return {
        "day": str(day), "lake_rows": "9", "events": "8", "delivered_again": "1", "expected": str(8 + missing),
        "missing": str(missing),
    }  # fmt: skip


TOTALS: tuple[Row, ...] = (
    total("EUR", events=12, active_accounts=3, opened=2, closed=3, credits=4, credited=123456789,
          withdrawals=2, withdrawn=5, transfers=1, transferred=10050, net=123446734),
    total("JPY", events=2, active_accounts=1, opened=1, credits=1, credited=98765, net=98765),
    total("BHD", events=1, active_accounts=1, withdrawals=1, withdrawn=1234, net=-1234),
)  # fmt: skip
MOVERS: tuple[Row, ...] = (mover("JPY", 1, 98765, 98765), mover("EUR", 2, 10050, -10050), mover("EUR", 1, 123456789))


COUNTED: tuple[Row, ...] = (counted(5, DAY - timedelta(days=1)), counted(0))


def report(totals: Iterable[Row] = TOTALS, movers: Iterable[Row] = MOVERS, missing: int = 0) -> DailyReport:
    """What the rows say."""
    return daily_report(DAY, totals, movers, [COUNTED[0], counted(missing)])


def figures(currency: str, **values: int) -> CurrencyFigures:
    """One line of a report."""
    [line] = report([total(currency, **values)], []).lines
    return line


class FakeAthena:
    """A client of Athena: `answers` are rows for each query in turn, `states` what each is while it is asked."""

    def __init__(
        self,
        *answers: Sequence[Row],
        states: Sequence[dict[str, Any]] = ({"State": "QUEUED"}, {"State": "RUNNING"}, {"State": "SUCCEEDED"}),
        page_size: int = 1000,
        scanned: int = 0,
    ) -> None:
        self.started: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self.refusal: Exception | None = None
        self._answers = list(answers)
        self._states = list(states)
        self._page_size = page_size
        self._scanned = scanned
        self._asked: dict[str, int] = {}

    def start_query_execution(self, **request: Any) -> dict[str, str]:
        if self.refusal:
            raise self.refusal
        self.started.append(request)
        return {"QueryExecutionId": str(len(self.started) - 1)}

    def get_query_execution(self, *, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803
        turn = self._asked.get(QueryExecutionId, 0)
        self._asked[QueryExecutionId] = turn + 1
        status = self._states[min(turn, len(self._states) - 1)]
        return {"QueryExecution": {"Status": status, "Statistics": {"DataScannedInBytes": self._scanned}}}

    def get_query_results(self, *, QueryExecutionId: str, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        rows = self._answers[int(QueryExecutionId)]
        columns = list(rows[0]) if rows else ["day"]
        cells = [columns] + [[row[name] for name in columns] for row in rows]
        start = int(NextToken)
        end = start + self._page_size
        page: dict[str, Any] = {
            "ResultSet": {
                "Rows": [{"Data": [{} if v is None else {"VarCharValue": v} for v in row]} for row in cells[start:end]],
                "ResultSetMetadata": {"ColumnInfo": [{"Name": name} for name in columns]},
            }
        }
        return page | ({"NextToken": str(end)} if end < len(cells) else {})

    def stop_query_execution(self, *, QueryExecutionId: str) -> None:  # noqa: N803
        self.stopped.append(QueryExecutionId)


def athena(client: FakeAthena, sleep: Any = lambda _: None) -> Athena:
    """The code under test over that client; it sleeps for no time."""
    return Athena(client, workgroup="reports", database="lake", sleep=sleep)


def client_error(code: str, message: str) -> ClientError:
    """As botocore raises it."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "StartQueryExecution")


def movers_of(found: DailyReport, currency: str) -> list[Mover]:
    """The top movers of one currency."""
    return [each for each in found.movers if each.currency == currency]
