"""The CDK application: `cdk synth -c env=NAME '**'`, with a name of stacks/environment.py.

Without a name it has no stacks: the command line also runs it for what needs none, such as `cdk bootstrap`.
"""

import sys

from aws_cdk import App

from stacks.environment import ENVIRONMENTS, environment_from_context
from stacks.stage import FINDINGS_STOP_SYNTHESIS, DaybookStage

app = App(post_cli_context=FINDINGS_STOP_SYNTHESIS)
if app.node.try_get_context("env") is None:
    sys.stderr.write(
        f"No environment is named, so there are no stacks: -c env=NAME, one of {', '.join(ENVIRONMENTS)}.\n"
    )
else:
    try:
        config = environment_from_context(app.node)
    except ValueError as error:
        sys.exit(str(error))
    DaybookStage(app, f"Daybook-{config.name}", config=config)
app.synth()
