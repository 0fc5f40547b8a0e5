"""Synthesis for tests. Nothing is found by a hashed logical id: resources are looked up by type and properties."""

import fcntl
import json
import pickle
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
    notifications: Deployable
    ledger: Deployable
    backup: Deployable
    api: Deployable
    commands: Deployable
    domain_events: Deployable
    lake: Deployable
    projections: Deployable
    publisher: Deployable
    reports: Deployable
    transparency: Deployable
    sealing: Deployable
    verification: Deployable
    watch: Deployable
    dashboards: Deployable | None
    canary_caller: Deployable | None
    canary: Deployable | None
    dependencies: dict[str, set[str]]
    """Names of the stacks that are deployed before a stack, by its name."""

    @property
    def stacks(self) -> list[Deployable]:
        """All of them."""
        found = [
            self.notifications,
            self.ledger,
            self.backup,
            self.api,
            self.commands,
            self.domain_events,
            self.lake,
            self.projections,
            self.publisher,
            self.reports,
            self.transparency,
            self.sealing,
            self.verification,
            self.watch,
        ]
        return [*found, *filter(None, (self.canary_caller, self.canary, self.dashboards))]

    def stack(self, name: str) -> Deployable:
        """The stack of that whole name."""
        [found] = [each for each in self.stacks if each.name == name]
        return found

    def meant(self, reference: Any) -> tuple[Deployable, Any] | None:
        """Stack and value which a reference into another stack stands for; None for anything else."""
        if not isinstance(reference, dict) or "Fn::GetStackOutput" not in reference:
            return None
        output = reference["Fn::GetStackOutput"]
        stack = self.stack(output["StackName"])
        return stack, stack.body["Outputs"][output["OutputName"]]["Value"]


def feature_flags() -> dict[str, Any]:
    """The context of cdk.json, which the command line would pass."""
    content: dict[str, Any] = json.loads((REPOSITORY / "cdk.json").read_text())
    flags: dict[str, Any] = content["context"]
    return flags


def synthesize(
    name: str,
    *,
    outdir: Path,
    change: Callable[[DaybookStage], object] | None = None,
    config: Environment | None = None,
) -> Synthesized:
    """Synthesize one environment, after `change` was made to it. Raises RuntimeError on a validation finding.

    `App.synth` runs the validations. `Template.from_stack` on a stack inside a stage would not.
    """
    app = App(outdir=str(outdir), context={**feature_flags(), **NO_PACKAGES, "aws:cdk:enable-path-metadata": True})
    config = config or environment(name)
    stage = DaybookStage(app, f"Daybook-{name}", config=config)
    if change is not None:
        change(stage)
    built = app.synth().get_nested_assembly(stage.artifact_id).stacks
    stacks = {
        each.stack_name.removeprefix(f"Daybook-{name}-"): Deployable(
            name=each.stack_name,
            termination_protection=bool(each.termination_protection),
            body=json.loads(json.dumps(each.template)),
        )
        for each in built
    }
    names = {each.id: each.stack_name for each in built}
    return Synthesized(
        config=config,
        notifications=stacks["Notifications"],
        ledger=stacks["Ledger"],
        backup=stacks["Backup"],
        api=stacks["Api"],
        commands=stacks["Commands"],
        domain_events=stacks["DomainEvents"],
        lake=stacks["Lake"],
        projections=stacks["Projections"],
        publisher=stacks["Publisher"],
        reports=stacks["Reports"],
        transparency=stacks["Transparency"],
        sealing=stacks["Sealing"],
        verification=stacks["Verification"],
        watch=stacks["Watch"],
        dashboards=stacks.get("Dashboards"),
        canary_caller=stacks.get("CanaryCaller"),
        canary=stacks.get("Canary"),
        dependencies={
            each.stack_name: {names[one.id] for one in each.dependencies if one.id in names} for each in built
        },
    )


def synthesized_once(folder: Path, key: str, build: Callable[[Path], Synthesized]) -> Synthesized:
    """What `build` makes in a folder of its own, made by the first process of a test run that asks for `key`.

    The others wait for it and read what it found: a synthesis takes a second, the first of a process four.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / f"{key}.pickle"
    with (folder / f"{key}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            found.write_bytes(pickle.dumps(build(folder / key)))
        kept: Synthesized = pickle.loads(found.read_bytes())
        return kept
