"""cfn-lint finds nothing in any template of any environment but what is listed here with its reason."""

import json
from functools import cache
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.core import get_rules
from cfnlint.rules import RulesCollection

from tests.infrastructure.synthesis import Synthesized

IGNORED = {
    "W3005": "The CDK makes a function wait for its role with DependsOn, beside the reference that already does.",
}
"""Rule to the reason why its findings are no faults here."""


@cache
def rules() -> RulesCollection:
    """All rules for errors and warnings. To load them takes as long as to lint a template."""
    return get_rules([], [], ["E", "W"], {}, False)


def findings(template: dict[str, Any]) -> list[str]:
    """What cfn-lint says, a line each."""
    found = lint(json.dumps(template), rules=rules())
    return [f"{each.rule.id} at {'/'.join(map(str, each.path or []))}: {each.message}" for each in found]


def test_the_templates_have_no_finding(anywhere: Synthesized) -> None:
    for stack in anywhere.stacks:
        assert [each for each in findings(stack.body) if each.split()[0] not in IGNORED] == [], stack.name


@pytest.mark.parametrize(
    ("resource", "rule"),
    [
        ({"Type": "AWS::SQS::Queue", "Properties": {"MessageRetentionPeriod": 1}}, "E3034"),
        ({"Type": "AWS::SQS::Queue", "Properties": {"QueName": "x"}}, "E3002"),
        ({"Type": "AWS::Lambda::Alias", "Properties": {"Name": "live"}}, "E3003"),
    ],
    ids=["a value out of range", "an unknown property", "a missing property"],
)
def test_a_fault_is_found(resource: dict[str, Any], rule: str) -> None:
    assert [each.split()[0] for each in findings({"Resources": {"One": resource}})][:1] == [rule]


def test_each_rule_that_is_ignored_has_findings(environments: dict[str, Synthesized]) -> None:
    assert {each.split()[0] for each in findings(environments["prod"].api.body)} == set(IGNORED)
