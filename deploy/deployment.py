"""Deploying: the first time without protection against deletion, then with it."""

from collections.abc import Callable, Sequence

from deploy.account import Account
from deploy.errors import FailedError, RefusedError
from deploy.stacks import Stack, stacks_of
from local.setup import cdk
from stacks.environment import STACKS_WITH_DATA, Environment

Say = Callable[[str], None]


def is_first(config: Environment, stacks: Sequence[Stack]) -> bool:
    """Whether protected stacks are still to be created: not all of them are complete, and none is protected yet.

    Once one is protected no later deployment may take protection away, not even one that adds a stack.
    """
    with_data = {each.short: each for each in stacks if each.short in STACKS_WITH_DATA}
    complete = all(name in with_data and with_data[name].is_complete for name in STACKS_WITH_DATA)
    return config.protect_data and not complete and not any(each.protected for each in with_data.values())


def bootstrap(config: Environment, account: Account, say: Say, options: Sequence[str] = ()) -> None:
    """Create what the CDK needs in the account. Raises FailedError."""
    _cdk(account, say, [*cdk.bootstrap(account.number, account.region, config.name), *options])


def diff(config: Environment, account: Account, say: Say, options: Sequence[str] = ()) -> None:
    """Show what a deployment would change. Raises FailedError."""
    _cdk(account, say, [*cdk.diff(config.name), *options])


def deploy(config: Environment, account: Account, say: Say, options: Sequence[str] = ()) -> None:
    """Deploy all stacks. Raises FailedError."""
    first = is_first(config, stacks_of(account.client("cloudformation"), config.name))
    recovery = f"`make recover ENV={config.name}` removes what stands in the way of another attempt."
    _cdk(account, say, [*cdk.deploy(config.name, first=first), *options], when_failed=recovery)
    if first:
        say(f"Nothing protects its data yet: `make protect ENV={config.name}`.")


def protect(config: Environment, account: Account, say: Say, options: Sequence[str] = ()) -> None:
    """Deploy with protection, of a system that is there, and see that it is on. Raises RefusedError and FailedError."""
    if not config.protect_data:
        raise RefusedError(f"{config.name} protects no data, so that it can be destroyed.")
    found = _with_data(config, account)
    if missing := [name for name in STACKS_WITH_DATA if name not in found or not found[name].is_complete]:
        raise RefusedError(f"Not deployed yet: {', '.join(missing)}. First `make deploy ENV={config.name}`.")
    _cdk(account, say, [*cdk.deploy(config.name), *options])
    found = _with_data(config, account)
    if bare := [name for name in STACKS_WITH_DATA if not found[name].protected]:
        raise FailedError(f"Still not protected against deletion: {', '.join(bare)}.")
    say(f"Protected against deletion: {', '.join(STACKS_WITH_DATA)}, and every table.")


def _with_data(config: Environment, account: Account) -> dict[str, Stack]:
    return {each.short: each for each in stacks_of(account.client("cloudformation"), config.name)}


def _cdk(account: Account, say: Say, arguments: Sequence[str], *, when_failed: str = "") -> None:
    """Run a command and show it. Raises FailedError."""
    say(cdk.written(arguments))
    if status := account.cdk(arguments):
        raise FailedError(f"`cdk {arguments[0]}` ended with {status}.", detail=when_failed)
