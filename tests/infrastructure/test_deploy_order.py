"""The order in which a release reaches an environment: what reads events before what writes them.

`cdk deploy '**'` takes the stacks in an order that keeps the dependencies in the manifest. Source: AWS CDK
API reference, Stack.addStackDependency.
"""

from __future__ import annotations

from itertools import combinations

from tests.infrastructure.synthesis import Synthesized


def before(name: str, dependencies: dict[str, set[str]]) -> set[str]:
    """Everything that is deployed before a stack."""
    found: set[str] = set()
    left = list(dependencies[name])
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left += dependencies[each]
    return found


def test_readers_are_deployed_before_writers(anywhere: Synthesized) -> None:
    """The lake, the projections, then the publisher, then the processor of commands, and the API last."""
    stacks = (anywhere.lake, anywhere.projections, anywhere.publisher, anywhere.commands, anywhere.api)
    order = [each.name for each in stacks]
    for earlier, later in combinations(order, 2):
        assert earlier in before(later, anywhere.dependencies)


def test_nothing_waits_for_the_api_but_what_calls_it_or_looks_at_it(anywhere: Synthesized) -> None:
    waiting = {name for name, dependencies in anywhere.dependencies.items() if anywhere.api.name in dependencies}
    assert waiting == {anywhere.watch.name, *([anywhere.canary.name] if anywhere.canary else [])}


def test_nothing_waits_for_what_looks_at_it(anywhere: Synthesized) -> None:
    assert not [name for name, before in anywhere.dependencies.items() if anywhere.watch.name in before]


def test_the_log_is_there_before_whoever_proves_seals_or_verifies(anywhere: Synthesized) -> None:
    for each in (anywhere.api, anywhere.sealing, anywhere.verification):
        assert anywhere.transparency.name in before(each.name, anywhere.dependencies)
    for each in (anywhere.sealing, anywhere.verification):
        assert anywhere.lake.name in before(each.name, anywhere.dependencies)


def test_nothing_waits_for_sealing_or_verifying_but_what_looks_at_them(anywhere: Synthesized) -> None:
    for each in (anywhere.sealing, anywhere.verification):
        waiting = {name for name, earlier in anywhere.dependencies.items() if each.name in earlier}
        assert waiting == {anywhere.watch.name}


def test_the_order_has_no_circle(anywhere: Synthesized) -> None:
    for name in anywhere.dependencies:
        assert name not in before(name, anywhere.dependencies)
