"""Stored commands of one busy account, in a model in which every request takes 5 ms.

One by one, as before commands of a queue went into one transaction, and now. The rates are the model's: they count
round trips and say nothing of AWS, where write units bound an account earlier (see the README).
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report import Row, at_least
from tests.support.latency import ACTION, hot_account_rate

GROUP = "one hot account, at 5 ms a round trip"


def measure() -> Iterator[Row]:
    """Yield both rates and their ratio, and the ratio if a transaction's actions take time as well."""
    before, now = hot_account_rate(1), hot_account_rate()
    for name, rate in (("a transaction for each command", before), ("runs of commands", now)):
        yield Row(group=GROUP, name=name, value=rate, unit="commands/s", note="simulated")
    budget, met = at_least(now / before, 20)
    yield Row(group=GROUP, name="runs to single", value=now / before, unit="ratio", budget=budget, met=met)
    ratio = hot_account_rate(action=ACTION) / hot_account_rate(1, action=ACTION)
    note = f"if each action of a transaction takes {1000 * ACTION:g} ms more"
    yield Row(group=GROUP, name="runs to single", value=ratio, unit="ratio", note=note)
