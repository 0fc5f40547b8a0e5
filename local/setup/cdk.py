"""What the CDK's command line is asked for, as the pages write it. The local deployment adds options."""

import shlex
from collections.abc import Sequence


def bootstrap(account: str, region: str, environment: str) -> list[str]:
    """Create what the CDK itself needs, once for an account and region.

    It is the same for every environment, and one must be named all the same: in a folder with an application the
    command line looks for its stacks, and fails if it has none. Source: `defineEnvironments` in aws-cdk 2.1148.1.
    """
    return ["bootstrap", f"aws://{account}/{region}", "-c", f"env={environment}"]


def deploy(environment: str, *, first: bool = False) -> list[str]:
    """Deploy every stack of an environment. `**` finds also those in a stage, which `--all` does not.

    `first` leaves protection against deletion to the next deployment.
    """
    return ["deploy", "**", "-c", f"env={environment}", *(["-c", "first=true"] if first else [])]


def diff(environment: str) -> list[str]:
    """Show what a deployment would change in every stack, by its template: a change set would need more rights."""
    return ["diff", "**", "-c", f"env={environment}", "--method=template"]


def destroy(environment: str) -> list[str]:
    """Remove every stack of an environment, without another question."""
    return ["destroy", "**", "-c", f"env={environment}", "--force"]


def written(arguments: Sequence[str]) -> str:
    """A command as somebody would type it."""
    return shlex.join(["cdk", *arguments])
