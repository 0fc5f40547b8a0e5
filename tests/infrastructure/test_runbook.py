"""Every alarm has an entry in the runbook, and every entry an alarm.

An entry is a heading of the third level that holds nothing but names in backticks: those of its alarms, as CloudWatch
shows them, without the environment. An alarm's description ends with that name: whoever is told finds the entry.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lambdas.projections.registry import PROJECTIONS
from stacks.environment import LOCAL, PROD
from stacks.projections import pascal
from stacks.stage import RUNBOOK
from tests.infrastructure.metrics import widgets
from tests.infrastructure.synthesis import REPOSITORY, Synthesized, synthesize, synthesized_once

HEADING = re.compile(r"^### ((?:`[\w-]+` ?)+)$", re.MULTILINE)
SAYS = re.compile(r"\*\*Means\.\*\* .+\n\*\*Look at\*\* .*\*\*(?:Do\.|do)\*\* ", re.DOTALL)


def entries() -> dict[str, list[str]]:
    """The names of each entry's alarms by its text."""
    page = (REPOSITORY / RUNBOOK).read_text("utf-8")
    found = list(HEADING.finditer(page))
    ends = [page.index("\n#", each.end()) for each in found]
    return {page[each.end() : end]: re.findall(r"[\w-]+", each[1]) for each, end in zip(found, ends, strict=True)}


def names(environment: Synthesized) -> list[str]:
    """The names of an environment's alarms, without the environment."""
    found = [
        each["Properties"]
        for stack in environment.stacks
        for each in stack.resources("AWS::CloudWatch::Alarm").values()
    ]
    begins = f"Daybook-{environment.config.name}-"
    assert all(each["AlarmName"].startswith(begins) for each in found)
    for each in found:
        entry = entry_of(each["AlarmName"].removeprefix(begins))
        assert each["AlarmDescription"].endswith(f" {RUNBOOK}: {entry}")
    return [each["AlarmName"].removeprefix(begins) for each in found]


def entry_of(alarm: str) -> str:
    """The name of an alarm's entry: all projections share theirs, in which `PROJECTION` stands for them."""
    return re.sub(
        f"^Projections-({'|'.join(pascal(each.name) for each in PROJECTIONS)})-", "Projections-PROJECTION-", alarm
    )


@pytest.fixture(scope="module")
def complete(shared: Path) -> Synthesized:
    """`prod` with all that a switch can add to it."""
    config = replace(PROD, checkpoint_bucket_arn="arn:aws:s3:::kept-elsewhere")
    return synthesized_once(shared, "prod-copies", lambda outdir: synthesize("prod", outdir=outdir, config=config))


def test_every_alarm_has_one_entry_and_every_entry_an_alarm(
    environments: Mapping[str, Synthesized], complete: Synthesized
) -> None:
    told = Counter(name for each in entries().values() for name in each)
    assert not [name for name, count in told.items() if count > 1]
    assert set(told) == {entry_of(name) for each in (*environments.values(), complete) for name in names(each)}


def test_an_alarm_has_the_same_name_in_every_environment(environments: Mapping[str, Synthesized]) -> None:
    clouds = [set(names(each)) for name, each in environments.items() if name != LOCAL.name]
    assert set(names(environments[LOCAL.name])) < set.intersection(*clouds)


@pytest.mark.parametrize("text", entries(), ids=lambda text: entries()[text][0])
def test_an_entry_says_what_it_means_what_to_look_at_and_what_to_do(text: str) -> None:
    assert SAYS.search(text)


def test_the_dashboard_shows_the_state_of_every_alarm(anywhere: Synthesized) -> None:
    _, dashboard = anywhere.watch.only("AWS::CloudWatch::Dashboard")
    shown = re.findall(r":alarm:Daybook-[a-z]+-([\w-]+)\"", str(dashboard["Properties"]["DashboardBody"]))
    assert sorted(shown) == sorted(names(anywhere))


def test_no_widget_shows_more_alarms_than_it_takes(anywhere: Synthesized) -> None:
    """A hundred. Source: CloudWatch API Reference, "Dashboard body structure and syntax"."""
    shown = [each["properties"]["alarms"] for each in widgets(anywhere) if each["type"] == "alarm"]
    assert shown
    assert all(0 < len(each) <= 100 for each in shown)
