"""Cursors of the list of accounts: what was answered is taken, with the filters it was made for, and nothing else."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.contracts.examples import ACCOUNT_ID
from lambdas.contracts.reply_examples import NEXT_ACCOUNTS
from lambdas.httpapi.errors import InvalidRequestError
from lambdas.httpapi.list_cursors import decode_cursor, encode_cursor
from lambdas.httpapi.list_queries import Filters
from lambdas.projections.dynamodb.table import SHARDS, shard_of
from lambdas.projections.reading.listing import Cursor

SHARD = shard_of(ACCOUNT_ID)
PLACE = Cursor(3, "open", SHARD, f"EUR#{ACCOUNT_ID}")
CONTENT = [3, "open", SHARD, f"EUR#{ACCOUNT_ID}", "open", "EUR"]
FILTERS = [Filters(status, currency) for status in ("", "open") for currency in ("", "EUR")]


def written(content: Any, **options: Any) -> str:
    """A cursor that says this."""
    text = json.dumps(content, separators=(",", ":"), **options)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def changed(place: int, value: Any) -> list[Any]:
    return [*CONTENT[:place], value, *CONTENT[place + 1 :]]


@pytest.mark.parametrize("filters", FILTERS)
def test_a_cursor_leads_where_it_was_made(filters: Filters) -> None:
    assert decode_cursor(encode_cursor(PLACE, filters), filters) == PLACE


@given(generation=st.integers(1, 10**6), account=st.uuids(), status=st.sampled_from(["open", "closed"]))
@settings(deadline=None)
def test_every_place_has_a_cursor(generation: int, account: Any, status: str) -> None:
    place = Cursor(generation, status, shard_of(str(account)), f"JPY#{account}")
    for filters in (Filters(), Filters(status), Filters("", "JPY"), Filters(status, "JPY")):
        cursor = encode_cursor(place, filters)
        assert decode_cursor(cursor, filters) == place
        assert cursor.isascii()
        assert cursor.replace("-", "").replace("_", "").isalnum()


def test_the_form_of_the_others_is_right() -> None:
    assert decode_cursor(written(CONTENT), Filters("open", "EUR")) == PLACE


@pytest.mark.parametrize(
    "filters",
    [Filters(), Filters("open"), Filters("", "EUR"), Filters("closed", "EUR"), Filters("open", "USD")],
    ids=repr,
)
def test_a_cursor_goes_with_its_own_filters_only(filters: Filters) -> None:
    with pytest.raises(InvalidRequestError, match="other filters") as refused:
        decode_cursor(written(CONTENT), filters)
    assert refused.value.field == "cursor"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(changed(0, 0), id="no generation"),
        pytest.param(changed(0, -1), id="a generation below 0"),
        pytest.param(changed(0, "1"), id="a generation as text"),
        pytest.param(changed(0, 1.0), id="a generation with a fraction"),
        pytest.param(changed(0, True), id="a generation that is true"),
        pytest.param(changed(0, "1#open"), id="a generation with more behind it"),
        pytest.param(changed(1, "closed"), id="a group that the filters do not have"),
        pytest.param(changed(1, "shared"), id="a group that is none"),
        pytest.param(changed(1, ""), id="no group"),
        pytest.param(changed(2, SHARDS), id="a shard beyond the last"),
        pytest.param(changed(2, -1), id="a shard before the first"),
        pytest.param(changed(2, (SHARD + 1) % SHARDS), id="another shard than the account's"),
        pytest.param(changed(3, ""), id="no account"),
        pytest.param(changed(3, f"USD#{ACCOUNT_ID}"), id="another currency than the filters'"),
        pytest.param(changed(3, f"EUR#{ACCOUNT_ID}\n"), id="an account with a line feed"),
        pytest.param(changed(3, f"EUR#{ACCOUNT_ID}#"), id="an account with more behind it"),
        pytest.param(changed(3, f"EUR{ACCOUNT_ID}"), id="an account without its mark"),
        pytest.param(changed(3, "EUR#"), id="a currency alone"),
        pytest.param(changed(3, "EUR#\U0010ffff"), id="behind all accounts"),
        pytest.param(changed(4, "shared"), id="a status that is none"),
        pytest.param(changed(5, "eur"), id="a currency that is none"),
        pytest.param([*CONTENT, 1], id="more"),
        pytest.param(CONTENT[:-1], id="less"),
        pytest.param({"generation": 1}, id="an object"),
        pytest.param(7, id="a number"),
        pytest.param(None, id="null"),
    ],
)
def test_what_no_page_has_is_refused(content: Any) -> None:
    for filters in (Filters("open", "EUR"), Filters(), Filters("shared"), Filters("open", "eur")):
        with pytest.raises(InvalidRequestError) as refused:
            decode_cursor(written(content), filters)
        assert refused.value.field == "cursor"


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%%%",
        "é",
        "MjI",
        "A" * 5000,
        "W" * 300,
        NEXT_ACCOUNTS + "=",
        NEXT_ACCOUNTS + "A",
        NEXT_ACCOUNTS[:-1],
        f" {NEXT_ACCOUNTS}",
        f"{NEXT_ACCOUNTS}\n",
        base64.urlsafe_b64encode(json.dumps(CONTENT).encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(b"[" * 200).decode().rstrip("="),
        base64.urlsafe_b64encode(b"\xff\xfe").decode().rstrip("="),
    ],
    ids=lambda cursor: cursor[:20],
)
def test_what_is_written_in_another_way_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequestError, match="as it was answered") as refused:
        decode_cursor(cursor, Filters("open", "EUR"))
    assert refused.value.field == "cursor"


@given(place=st.integers(0, len(NEXT_ACCOUNTS) - 1), letter=st.sampled_from("ABCXYZabcxyz0189-_"))
@settings(deadline=None)
def test_one_changed_letter_leads_to_a_place_of_the_same_listing_or_nowhere(place: int, letter: str) -> None:
    """A number of the generation may still be one: whether there is such a generation, the control row says."""
    cursor = NEXT_ACCOUNTS[:place] + letter + NEXT_ACCOUNTS[place + 1 :]
    try:
        found = decode_cursor(cursor, Filters("open", "EUR"))
    except InvalidRequestError:
        return
    assert found.group == "open"
    assert found.after.startswith("EUR#")
    assert found.shard == shard_of(found.after[4:])


def test_the_example_of_the_contract_is_a_cursor() -> None:
    assert decode_cursor(NEXT_ACCOUNTS, Filters("open", "EUR")) == Cursor(1, "open", SHARD, f"EUR#{ACCOUNT_ID}")
