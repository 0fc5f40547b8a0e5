"""The CDK application: `cdk synth -c env=NAME '**'`, with a name of stacks/environment.py."""

import sys

from aws_cdk import App

from stacks.environment import environment_from_context
from stacks.stage import FINDINGS_STOP_SYNTHESIS, DaybookStage

app = App(post_cli_context=FINDINGS_STOP_SYNTHESIS)
try:
    config = environment_from_context(app.node)
except ValueError as error:
    sys.exit(str(error))
DaybookStage(app, f"Daybook-{config.name}", config=config)
app.synth()
