"""`python -m deploy COMMAND ENV`: what the Makefile's targets of the same names run."""

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from deploy.account import open_account
from deploy.deployment import bootstrap, deploy, diff, protect
from deploy.errors import FailedError
from deploy.recovery import recover
from deploy.removal import destroy
from local.machine.exits import exit_status
from stacks.environment import CLOUD_NAMES, Environment, environment

COMMANDS = {
    "bootstrap": "create what the CDK needs in the account",
    "diff": "show what a deployment would change",
    "deploy": "deploy all stacks",
    "protect": "turn protection against deletion on, after the first deployment",
    "recover": "remove what a first deployment that failed has left",
    "destroy": "remove an environment whose data is not protected",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0, 1 after an error, 2 for a wrong command line, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m deploy", description=__doc__)
    parser.add_argument(
        "command", choices=COMMANDS, help="; ".join(f"{name}: {what}" for name, what in COMMANDS.items())
    )
    parser.add_argument("env", choices=CLOUD_NAMES, help="name the environment: make COMMAND ENV=NAME")
    parser.add_argument("--yes", action="store_true", help="do what `recover` or `destroy` would only list")
    known, options = parser.parse_known_args(arguments)
    config = environment(known.env)
    return exit_status(
        lambda: _run(known.command, config, options, yes=known.yes),
        when_interrupted="CloudFormation goes on with what it has begun.",
    )


def _run(command: str, config: Environment, options: Sequence[str], *, yes: bool) -> None:
    """Raises LocalError."""
    account = open_account(config)
    _say(f"{config.name}: {account}")
    try:
        match command:
            case "bootstrap":
                bootstrap(config, account, _say, options)
            case "diff":
                diff(config, account, _say, options)
            case "deploy":
                deploy(config, account, _say, options)
            case "protect":
                protect(config, account, _say, options)
            case "recover":
                recover(config, account, _say, yes=yes)
            case _:
                destroy(config, account, _say, yes=yes, options=options)
    except (BotoCoreError, ClientError) as error:
        raise FailedError(str(error)) from error


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
