"""Synthesis for tests. Nothing is found by a hashed logical id: resources are looked up by type and properties."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template

from stacks.environment import Environment, environment
from stacks.stage import DaybookStage

REPOSITORY = Path(__file__).resolve().parents[2]
NO_PACKAGES: dict[str, list[str]] = {"aws:cdk:bundling-stacks": []}
"""Context with which the CDK does not bundle assets: tests need no package index."""

Resource = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Deployable:
    """One stack: its name, whether it is protected, and its template."""

    name: str
    termination_protection: bool
    body: dict[str, Any]

    @property
    def template(self) -> Template:
        """The template, ready for assertions with Match."""
        return Template.from_json(self.body)

    def resources(self, resource_type: str) -> dict[str, Resource]:
        """Logical id to resource, of one type."""
        return {key: each for key, each in self.body["Resources"].items() if each["Type"] == resource_type}

    def only(self, resource_type: str) -> tuple[str, Resource]:
        """Logical id and resource of the single one of a type."""
        [found] = self.resources(resource_type).items()
        return found


@dataclass(frozen=True, kw_only=True)
class Synthesized:
    """One environment, synthesized and validated."""

    config: Environment
    ledger: Deployable
    api: Deployable


def feature_flags() -> dict[str, Any]:
    """The context of cdk.json, which the command line would pass."""
    content: dict[str, Any] = json.loads((REPOSITORY / "cdk.json").read_text())
    flags: dict[str, Any] = content["context"]
    return flags


def synthesize(name: str, *, outdir: Path, change: Callable[[DaybookStage], object] | None = None) -> Synthesized:
    """Synthesize one environment, after `change` was made to it. Raises RuntimeError on a validation finding.

    `App.synth` runs the validations. `Template.from_stack` on a stack inside a stage would not.
    """
    app = App(outdir=str(outdir), context={**feature_flags(), **NO_PACKAGES, "aws:cdk:enable-path-metadata": True})
    config = environment(name)
    stage = DaybookStage(app, f"Daybook-{name}", config=config)
    if change is not None:
        change(stage)
    stacks = {
        each.stack_name: Deployable(
            name=each.stack_name,
            termination_protection=bool(each.termination_protection),
            body=json.loads(json.dumps(each.template)),
        )
        for each in app.synth().get_nested_assembly(stage.artifact_id).stacks
    }
    return Synthesized(config=config, ledger=stacks[f"Daybook-{name}-Ledger"], api=stacks[f"Daybook-{name}-Api"])
