"""The readers of the deployed API: on the tables that the environment names, and without a request."""

from __future__ import annotations

import pytest

from lambdas.composition.read_models import read_models
from lambdas.composition.settings import SettingsError
from tests.support.fake_read_model import FakeReadModelDynamoDB

TABLES = '{"account_summaries": "summaries", "daily_totals": "totals", "of_another_release": "other"}'


class AskedError(Exception):
    """A request was made, of this table."""


class Unasked(FakeReadModelDynamoDB):
    """Refuses every request, by the name of its table."""

    def get_item(self, **request: object) -> dict[str, object]:
        raise AskedError(request["TableName"])


def test_each_reads_its_own_table_when_it_is_asked() -> None:
    readers = read_models(Unasked(), TABLES)
    with pytest.raises(AskedError, match=r"^summaries$"):
        readers.summaries.accounts(["one"])
    with pytest.raises(AskedError, match=r"^totals$"):
        readers.totals.shared("a", "b")


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ('{"account_summaries": "summaries"}', "names no table of daily_totals"),
        ('{"daily_totals": "totals"}', "names no table of account_summaries"),
        ("{}", "names no table"),
        ("", "is no JSON"),
        ("[]", "is no JSON"),
        ("summaries", "is no JSON"),
        ('{"account_summaries": 1, "daily_totals": "totals"}', "is no JSON of tables"),
        ('{"account_summaries": "", "daily_totals": "totals"}', "is no JSON of tables"),
    ],
)
def test_a_table_that_is_not_named_stops_the_start(tables: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"READ_MODEL_TABLES {said}"):
        read_models(Unasked(), tables)
