"""The templates of an environment, synthesized without installing packages for the functions."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import App

from local.costs.resources import Template
from local.machine.layout import REPOSITORY
from stacks.environment import environment
from stacks.stage import DaybookStage


def templates(name: str) -> list[Template]:
    """Those of all stacks."""
    context = json.loads((REPOSITORY / "cdk.json").read_text(encoding="utf-8"))["context"]
    with TemporaryDirectory() as folder:
        app = App(outdir=str(Path(folder)), context={**context, "aws:cdk:bundling-stacks": []})
        stage = DaybookStage(app, f"Daybook-{name}", config=environment(name))
        built = app.synth().get_nested_assembly(stage.artifact_id).stacks
        return [json.loads(json.dumps(each.template)) for each in built]
