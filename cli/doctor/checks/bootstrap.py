"""Whether `cdk bootstrap` was run, by a version that is new enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, ok, problem
from cli.doctor.errors import NotThereError

PARAMETER: Final = "/cdk-bootstrap/hnb659fds/version"
"""Where the bootstrap stack keeps its version, under the qualifier that the CDK uses if none is given."""

NEEDED: Final = 6
"""The version that the stacks' manifests demand; a test compares them with the synthesized ones."""


def _look(account: Account) -> Iterator[Seen]:
    command = f"make bootstrap ENV={account.config.name}"
    try:
        version = int(account.ask("ssm", "get_parameter", Name=PARAMETER)["Parameter"]["Value"])
    except NotThereError:
        yield problem(f"{account.region} is not bootstrapped", command)
        return
    if version < NEEDED:
        yield problem(f"the bootstrap stack has version {version}, and {NEEDED} is needed", command)
    else:
        yield ok(f"version {version}, and {NEEDED} is needed")


BOOTSTRAP = Check("bootstrap", "The CDK deploys through the roles and the bucket of its bootstrap stack.", _look)
