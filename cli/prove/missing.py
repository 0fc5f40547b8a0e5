"""Says why the log holds no such event: not sealed yet, no such version, or revoked by a restore."""

from __future__ import annotations

from cli.environments.log import Log, nothing_sealed
from cli.errors import CommandError, UnavailableError, plain
from cli.prove.asked import Asked
from lambdas.eventsourcing.errors import CorruptRowError, ReadUnavailableError
from lambdas.eventsourcing.retry import Deadline
from lambdas.eventsourcing.store import EventStore
from lambdas.transparency.index import Head
from lambdas.transparency.log_store import CHECKPOINT
from stacks.environment import environment


def missing(log: Log, store: EventStore, asked: Asked, version: int) -> CommandError:
    """Why there is no proof of a version. Raises LogUnavailableError, UnavailableError."""
    account = asked.account_id
    if log.store.get(CHECKPOINT) is None:
        return nothing_sealed()
    head = log.index.heads([account]).get(account)
    if _stored(store, account, version):
        if head is not None and version <= head.version:
            return CommandError(
                f"The log's index does not lead to version {version} of {account}, and its head is version "
                f"{head.version}: `daybook seal --rebuild-index` makes the index again from the seals."
            )
        reach = f"the log holds the account up to version {head.version}" if head else "it holds nothing of the account"
        return CommandError(f"Version {version} of {account} is not in the log yet: {reach}. {next_seal(asked)}")
    if head is not None and head.restored:
        return CommandError(
            f"There is no version {version} of {account}, neither in the event table nor in the log. The restore to "
            f"generation {head.restored} revoked versions of this account, and it may have been one of them."
        )
    return CommandError(f"There is no version {version} of {account}.")


def nothing_to_prove(log: Log, store: EventStore, asked: Asked, head: Head | None) -> CommandError:
    """Why there is no history to prove. Raises LogUnavailableError, UnavailableError."""
    if head is not None and not _stored(store, asked.account_id, 1):
        return CommandError(f"A restore (generation {head.restored}) revoked all of {asked.account_id}.")
    return missing(log, store, asked, 1)


def next_seal(asked: Asked) -> str:
    """When the next seal comes, in a sentence."""
    every = environment(asked.place.environment).seal_schedule.removeprefix("rate(").removesuffix(")")
    if not every:
        return "Here nothing is sealed by itself: `daybook seal --through now` seals what has reached the lake."
    return f"What has reached the lake is sealed every {every.removeprefix('1 ')}, or at once by `daybook seal`."


def _stored(store: EventStore, account_id: str, version: int) -> bool:
    """Whether the event table has a row of that version."""
    try:
        return bool(store.read(account_id, after=version - 1, up_to=version, limit=1, deadline=Deadline()).rows)
    except CorruptRowError:
        return True
    except ReadUnavailableError as error:
        raise UnavailableError(f"The event table does not answer: {plain(error)}.") from error
