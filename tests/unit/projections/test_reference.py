"""The reference that the deployed read models are held against comes to what the projections fold."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from itertools import count
from typing import Any

import msgspec
import pytest

from lambdas.contracts.domain_events import domain_event
from lambdas.eventsourcing.dynamodb_items import row_to_item
from lambdas.eventsourcing.memory import InMemoryEventStore
from lambdas.projections.account_summaries import ACCOUNT_SUMMARIES
from lambdas.projections.daily_totals import DAILY_TOTALS, MEASURES
from tests.e2e import read_models
from tests.e2e.read_models import reference
from tests.support.bank import Recorder, new_bank
from tests.support.clocks import START, Ticks
from tests.support.recording import whole_history
from tests.support.runs import seeds
from tests.support.workloads import accounts, anything

ACCOUNTS = accounts(6)
ORDERS = 150


@pytest.mark.generated
@pytest.mark.parametrize("seed", seeds(check=3, test=20, soak=2_000))
def test_both_come_to_the_same(seed: int) -> None:
    rng, store = random.Random(seed), InMemoryEventStore()
    moments = count()
    bank = new_bank(store, lambda: START + next(moments) * timedelta(minutes=17))
    recorder = Recorder(Ticks())
    for number in range(ORDERS):
        recorder.send(bank, anything(rng, f"o{number}", ACCOUNTS))
    rows = [row for account_id in ACCOUNTS for row in whole_history(store, account_id)]
    summaries: dict[str, Any] = {}
    days: dict[str, Any] = {}
    totals: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(MEASURES, 0))
    for row in rows:
        event = domain_event(row)
        summaries[row.stream_id] = ACCOUNT_SUMMARIES.fold(summaries.get(row.stream_id), event).kept
        folded = DAILY_TOTALS.fold(days.get(row.stream_id), event)
        days[row.stream_id] = folded.kept
        for key, measures in folded.additions.items():
            currency, _, day = key.partition("#")
            for name, amount in measures.items():
                totals[currency, day][name] += amount
    found = reference(map(row_to_item, rng.sample(rows, len(rows))))
    assert found.totals == totals
    heads = {row.stream_id: row.version for row in rows}
    assert found.summaries == {
        each: {**msgspec.to_builtins(kept), "version": heads[each]} for each, kept in summaries.items()
    }
    assert read_models.MEASURES == MEASURES
