"""`daybook restore check`: whether the restored tables are whole, and what was published that they lack."""

from __future__ import annotations

from typing import Final

import msgspec

from cli.errors import ExitStatus, QueryFailedError, UnavailableError
from cli.output import Outcome, counted
from cli.progress import Steps
from cli.restore.clients import answered
from cli.restore.contents import Account, Contents, read_contents
from cli.restore.copies import require_restored_to
from cli.restore.names import deployed_tables, restored_tables
from cli.restore.partial import Partial, find_partial
from cli.restore.published import Published, read_published, revokes
from cli.restore.steps import Request
from lambdas.contracts.lake import Revocation
from lambdas.eventsourcing.timestamps import utc_now

SHOWN: Final = 20
NOT_KNOWN: Final = (
    "What was written to the lost tables and never published is not among the lost events: docs/restore.md says how to "
    "find it."
)


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as it should be. `mendable`: `mend` sees to it."""

    kind: str
    what: str
    mendable: bool = False


class LostEvent(msgspec.Struct, frozen=True):
    """An event that was published and that the restored table does not hold: `announce` revokes it."""

    id: str
    event: str
    recorded_at: str


class Sum(msgspec.Struct, kw_only=True):
    """A currency; amounts in minor units. The lake's balance is that of events up to the restored second, and
    `held_balance` is that of the same events in the table."""

    currency: str
    accounts: int = 0
    balance: int = 0
    sent: int = 0
    received: int = 0
    lake_balance: int = 0
    held_balance: int = 0


class Checked(msgspec.Struct, frozen=True, tag_field="step", tag="check", kw_only=True):
    """The restored tables against themselves and against what was published."""

    environment: str
    generation: int
    restored_to: str
    accounts: int
    events: int
    receipts: int
    commands: int
    read_units: float
    sums: list[Sum]
    findings: list[Finding]
    lost: list[LostEvent]


def check(request: Request) -> Outcome:
    """Print what was found. The exit status is 1 for a finding; lost events alone are none. Raises UnavailableError."""
    tables = restored_tables(deployed_tables(request.place))
    clients = request.connections.restoring(request.place)
    with answered():
        require_restored_to(clients, tables.events, request.at)
    try:
        with Steps("Reading the restored tables; rows read") as steps:
            contents = read_contents(clients.dynamodb, tables, steps.advance)
        with Steps("Reading what was published"):
            published = read_published(request.connections.told(request.place), request.at)
    except QueryFailedError as error:
        raise UnavailableError(str(error)) from error
    findings, sums = look(contents, published)
    found = Checked(
        environment=request.place.environment,
        generation=tables.generation,
        restored_to=request.time,
        accounts=len(contents.accounts),
        events=sum(len(each.facts) for each in contents.accounts.values()),
        receipts=len(contents.receipts),
        commands=len(contents.commands),
        read_units=round(contents.read_units, 1),
        sums=sums,
        findings=findings,
        lost=lost_events(contents, published),
    )
    _print(found, request)
    if not findings:
        return Outcome(found)
    return Outcome(found, ExitStatus.FINDING, f"The restored tables have {counted(len(findings), 'finding')}.")


def look(contents: Contents, published: Published) -> tuple[list[Finding], list[Sum]]:
    """All findings, and the sums by currency."""
    sums = _sums(contents, published)
    partial = find_partial(contents, utc_now())
    findings = [*_broken(contents), *partial_findings(partial)]
    findings += _other_histories(contents, published)
    findings += _revoked(contents, published)
    for each in sums:
        if each.sent != each.received:
            what = f"{each.currency}: {each.sent:,} was sent and {each.received:,} was received"
            findings.append(Finding("sum", what, mendable=bool(partial.cuts)))
        if each.lake_balance != each.held_balance:
            what = (
                f"{each.currency}: the lake adds the same events up to {each.lake_balance:,}, not {each.held_balance:,}"
            )
            findings.append(Finding("sum", what))
    return findings, sums


def _broken(contents: Contents) -> list[Finding]:
    return [
        Finding("chain", f"{each.account_id}/{each.broken.version}: {each.broken.reason}")
        for each in contents.accounts.values()
        if each.broken is not None
    ]


def partial_findings(partial: Partial) -> list[Finding]:
    """What is there in part, in sentences."""
    return [
        *(Finding("event", _cut(each.account_id, each.first, each.last, each.reason), True) for each in partial.cuts),
        *(
            Finding(
                "receipt",
                f"the receipt {each.key} of {each.scope} tells of version {each.version}, which is gone",
                True,
            )
            for each in partial.receipts
        ),
        *(
            Finding("command", f"{each.command_id} of {each.account_id} says SUCCEEDED, and its event is gone", True)
            for each in partial.reopened
        ),
        *(
            Finding(
                "command",
                f"{each.command.command_id} of {each.command.account_id} says {each.command.status}, "
                f"and is version {each.version}",
                True,
            )
            for each in partial.ended
        ),
        *(Finding("command", sentence) for sentence in partial.contradictions),
    ]


def _cut(account_id: str, first: int, last: int, reason: str) -> str:
    return f"{account_id}/{first}{'' if first == last else f' to {last}'} cannot stand: {reason}"


def _other_histories(contents: Contents, published: Published) -> list[Finding]:
    """Events that the table holds otherwise than they were published."""
    found = set()
    for account_id, head in published.heads.items():
        fact = contents.accounts[account_id].facts.get(head.version) if account_id in contents.accounts else None
        if fact is not None and fact.hash != head.hash:
            found.add((account_id, head.version))
    for account_id, events in published.since.items():
        facts = contents.accounts[account_id].facts if account_id in contents.accounts else {}
        for event in events:
            fact = facts.get(event.version)
            if fact is not None and fact.hash != event.hash:
                found.add((account_id, event.version))
    return [
        Finding("differs", f"{account_id}/{version} was published with another row hash than its row has")
        for account_id, version in sorted(found)
    ]


def _revoked(contents: Contents, published: Published) -> list[Finding]:
    """Events that an earlier restore revoked, and that stand again: a backup of before that restore has them."""
    return [
        Finding(
            "revoked",
            f"{each.account_id}/{version} was revoked by the restore that made generation {each.generation}, and "
            "stands again: views and consumers would leave it out",
        )
        for each in published.revoked
        if (account := contents.accounts.get(each.account_id)) is not None
        for version in _standing_again(account, each)
    ]


def _standing_again(account: Account, revocation: Revocation) -> list[int]:
    facts = sorted(account.facts.items())
    return [version for version, fact in facts if revokes(revocation, version, fact.recorded_at)]


def _sums(contents: Contents, published: Published) -> list[Sum]:
    found: dict[str, Sum] = {}
    for account in contents.accounts.values():
        for fact in account.facts.values():
            mine = found.setdefault(fact.currency, Sum(currency=fact.currency))
            mine.balance += fact.moved
            mine.sent -= fact.moved if fact.transfer and fact.sent else 0
            mine.received += fact.moved if fact.transfer and not fact.sent else 0
        if account.facts:
            found[account.facts[max(account.facts)].currency].accounts += 1
    for account_id, head in published.heads.items():
        known = contents.accounts.get(account_id)
        if known and head.version in known.facts and head.balance is not None:
            mine = found[head.currency]
            mine.lake_balance += head.balance
            mine.held_balance += known.balance(head.version)
    return sorted(found.values(), key=lambda each: each.currency)


def lost_events(contents: Contents, published: Published) -> list[LostEvent]:
    """Every event beyond the restored heads that was published, by account and version."""
    found: dict[tuple[str, int], LostEvent] = {}
    for account_id, head in published.heads.items():
        account = contents.accounts.get(account_id)
        for version in range((account.head if account else 0) + 1, head.version + 1):
            found[account_id, version] = LostEvent(f"{account_id}/{version}", "", "")
    for account_id, events in published.since.items():
        account = contents.accounts.get(account_id)
        for event in events:
            if event.version > (account.head if account else 0):
                told = LostEvent(f"{account_id}/{event.version}", event.event, event.recorded_at)
                found[account_id, event.version] = told
    return [found[each] for each in sorted(found)]


def _print(found: Checked, request: Request) -> None:
    line = request.output.line
    line(
        f"{counted(found.accounts, 'account')}, {counted(found.events, 'event')}, {counted(found.receipts, 'receipt')},"
        f" {counted(found.commands, 'stored command')}"
    )
    for each in found.sums:
        line(
            f"  {each.currency}  {each.balance:,} on {counted(each.accounts, 'account')}; transfers {each.sent:,} sent,"
            f" {each.received:,} received"
        )
    for finding in found.findings[:SHOWN]:
        line(f"{'MEND' if finding.mendable else 'LOOK'}  {finding.what}")
    if len(found.findings) > SHOWN:
        line(f"  … and {len(found.findings) - SHOWN:,} more: --json lists all")
    if found.lost:
        line(f"{counted(len(found.lost), 'event')} lost: published, and not in the restored table")
        for event in found.lost:
            line(f"  {event.id}  {event.event}  {event.recorded_at}")
    if not found.findings:
        line("The restored tables are whole.")
    request.output.note(NOT_KNOWN)
    request.output.note(f"{found.read_units:,} read units")
