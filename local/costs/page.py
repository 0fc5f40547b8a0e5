"""README's part about costs: the tables, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from lambdas.projections.registry import PROJECTIONS
from local.costs import at_rest, by_use
from local.costs.prices import PriceList, dollars
from local.costs.resources import Resources, Template
from local.costs.schedules import runs
from local.machine.errors import PageError
from stacks.environment import ENVIRONMENTS

NAMESPACE: Final = "daybook"
BEGIN: Final = "<!-- `make costs` writes what stands between here and the end of the tables. -->"
END: Final = "<!-- The end of the tables. -->"
_TABLES = re.compile(re.escape(BEGIN) + r".*?" + re.escape(END), re.DOTALL)
_SENTENCE = re.compile(r"About \$[\d,]+ a month for an environment like `prod`")


def written(page: str, environments: Mapping[str, Iterable[Template]], prices: PriceList) -> str:
    """The page with the tables of these environments, and the sum of `prod`. Raises PageError, UnpricedError."""
    found = {name: Resources(each) for name, each in environments.items()}
    sums = {name: at_rest.total(at_rest.lines(each, prices)) for name, each in found.items()}
    parts = (_at_rest(found, prices), _kept(found, prices), _per_million(prices))
    tables = "\n\n".join((BEGIN, *parts, END))
    page, places = _TABLES.subn(lambda _: tables, page)
    page, sentences = _SENTENCE.subn(f"About ${sums['prod']:,.0f} a month for an environment like `prod`", page)
    if (places, sentences) != (1, 1):
        raise PageError("README.md lacks the marks around the tables of costs, or the sentence that says the sum.")
    return page


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join((lines[0], "|---" * len(head) + "|", *lines[1:]))


def _at_rest(environments: Mapping[str, Resources], prices: PriceList) -> str:
    counted = {name: at_rest.lines(each, prices) for name, each in environments.items()}
    rows = [
        [
            kind.name,
            kind.each(prices)[1],
            *(f"{lines[kind.name].counted}: {dollars(lines[kind.name].dollars)}" for lines in counted.values()),
            prices.prices[kind.price].source,
        ]
        for kind in at_rest.KINDS
        if any(lines[kind.name].amount for lines in counted.values())
    ]
    nothing = ["tables, functions, API, Firehose, Athena", "charged by use", *["$0.00"] * len(counted), ""]
    sums = ["**sum**", "", *(f"**{dollars(at_rest.total(lines))}**" for lines in counted.values()), ""]
    return "**At rest**, a month:\n\n" + _table(
        ["what", "one costs", *(f"`{name}`" for name in counted), "source of the price"], [*rows, nothing, sums]
    )


def _kept(environments: Mapping[str, Resources], prices: PriceList) -> str:
    storage, recovery, backup = (prices.dollars(each) for each in ("table_storage", "recovery", "backup"))
    backups = {name: by_use.kept_backups(each, prices) for name, each in environments.items()}
    metrics = {name: by_use.own_metrics(each, NAMESPACE) for name, each in environments.items()}
    metric = prices.dollars("metric")

    def cells(numbers: Mapping[str, int], one: Decimal, first: Decimal = Decimal()) -> list[str]:
        plus = f"{dollars(first)} + " if first else ""
        return [f"{plus}{number} × {dollars(one)} = {dollars(first + number * one)}" for number in numbers.values()]

    same = len(environments)
    rows = [
        [
            "a GB of the tables: itself, its point-in-time recovery, and its daily backups, each of them whole",
            *cells(backups, backup, storage + recovery),
            _sources(prices, "table_storage", "backup"),
        ],
        [
            "metrics of ours that alarms look at, each in the hours in which it is published",
            *cells(metrics, metric),
            _sources(prices, "metric"),
        ],
        [
            "a GB of logs: written, and kept",
            *[f"{dollars(prices.dollars('logs_in'))} + {dollars(prices.dollars('logs_kept'))}"] * same,
            _sources(prices, "logs_in"),
        ],
        ["a GB of the lake and its reports", *[f"${prices.dollars('bucket')}"] * same, _sources(prices, "bucket")],
        ["a TB that queries read", *[dollars(prices.dollars("athena"))] * same, _sources(prices, "athena")],
    ]
    return "**What is kept**, a month:\n\n" + _table(
        ["what", *(f"`{name}`" for name in environments), "source of the price"], rows
    )


def _sources(prices: PriceList, *names: str) -> str:
    return "; ".join(dict.fromkeys(prices.prices[name].source for name in names))


def _per_million(prices: PriceList) -> str:
    config = ENVIRONMENTS["prod"]
    one_event = by_use.event(config.event_stream_days, 1 + len(PROJECTIONS), prices)
    folded = by_use.projected(PROJECTIONS, prices)
    rows = []
    for work in by_use.WORKS:
        capacity = by_use.dynamodb(work, prices)
        front = by_use.front(work, config.function_memory_mb, prices)
        published = work.events * one_event.dollars
        projected = work.events * folded.dollars
        events, models = (
            f"{work.events} × {one.dollars:.2f} = {dollars(work.events * one.dollars)}" if work.events else "$0.00"
            for one in (one_event, folded)
        )
        rows.append(
            [
                work.name,
                f"{capacity.arithmetic} = {dollars(capacity.dollars)}",
                f"{front.arithmetic} = {dollars(front.dollars)}",
                events,
                models,
                dollars(capacity.dollars + front.dollars + published + projected),
            ]
        )
    names = (
        *("write_unit", "api_request", "lambda_request", "stream_in", "firehose", "transition"),
        *("athena", "put", "signature"),
    )
    walk = by_use.walked(config.rebuild_segments, prices)
    sources, call = _sources(prices, *names), by_use.call(config.function_memory_mb, prices)
    head = [
        "a million of",
        "DynamoDB",
        "API Gateway and the function",
        "the event, to the lake",
        "the event, in the read models",
        "sum",
    ]
    return (
        "**By use**, for a million, from the capacities counted above:\n\n"
        + _table(head, rows)
        + f"\n\nA million events: {one_event.arithmetic}; in the read models at most {folded.arithmetic}."
        f" A million calls: {call.arithmetic}."
        f" The state machine of a rebuild, or of a verification: {walk.arithmetic} = {dollars(walk.dollars)}."
        f" {_log(prices)} Sources: {sources}."
    )


def _log(prices: PriceList) -> str:
    """What sealing and verifying cost beside their runs, in sentences."""
    config = ENVIRONMENTS["prod"]
    seal, account, walk = by_use.sealed(prices), by_use.indexed(prices), by_use.verified(prices)
    seals, walks = runs(config.seal_schedule, prices.hours), runs(config.verification_schedule, prices.hours)
    return (
        f"A seal: {seal.arithmetic}, at {seals} a month {dollars(seals * seal.dollars)}; a million accounts in seals:"
        f" {account.arithmetic} = {dollars(account.dollars)}. A million events verified: {walk.arithmetic} ="
        f" {dollars(walk.dollars)} for reading them, at {walks} a month {dollars(walks * walk.dollars)}, and what"
        " queries read."
    )
