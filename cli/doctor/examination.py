"""Runs every check by itself: one that gets no answer is a finding of its own, and hides no other."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from cli.doctor.account import REFUSED, Account
from cli.doctor.check import Check, Seen, not_known
from cli.doctor.checks import CHECKS
from cli.doctor.errors import DeniedError, NotThereError, SilentError, UnansweredError
from cli.doctor.finding import Diagnosis, Finding, Severity
from cli.errors import ExitStatus, plain
from cli.output import Outcome, counted
from cli.progress import Steps

POLICY = "docs/doctor-policy.json"
ENDED = "see the finding on credentials; if these are in order, enable the region for the account"


def examine(account: Account, checks: tuple[Check, ...] = CHECKS) -> Diagnosis:
    """All findings."""
    findings: list[Finding] = []
    with Steps(f"Examining {account.config.name}", len(checks)) as steps:
        for check in checks:
            findings += [_finding(check, each) for each in _seen(check, account)]
            steps.advance()
    return Diagnosis(account.config.name, findings)


def outcome(diagnosis: Diagnosis, account: Account) -> Outcome:
    """How the command ends: 3 if AWS answered nothing at all, 1 if anything needs attention."""
    if account.answers == 0:
        [silent, *_] = [each.found for each in diagnosis.findings if each.severity is not Severity.OK]
        return Outcome(diagnosis, ExitStatus.UNAVAILABLE, f"AWS did not answer: {silent}.")
    found = [each for each in diagnosis.findings if needs_attention(each)]
    if found:
        return Outcome(diagnosis, ExitStatus.FINDING, f"{counted(len(found), 'finding')} to attend to.")
    return Outcome(diagnosis)


def needs_attention(finding: Finding) -> bool:
    """Whether somebody has to act; what is not known counts only if something would make it known."""
    return finding.severity is not Severity.OK and (finding.severity is not Severity.NOT_KNOWN or bool(finding.mend))


def _seen(check: Check, account: Account) -> Iterator[Seen]:
    try:
        yield from check.look(account)
    except DeniedError as error:
        yield not_known(plain(error), f"grant {error.action} ({POLICY} has all)")
    except SilentError as error:
        yield not_known(plain(error), "run it again, from where AWS can be reached")
    except UnansweredError as error:
        yield not_known(plain(error))
    except NotThereError as error:
        yield not_known(plain(error))
    except ClientError as error:
        if error.response["Error"].get("Code") in REFUSED:
            yield not_known("AWS refuses the credentials", ENDED)
            return
        yield not_known(plain(error), "run it again; if that does not help, ask AWS's support with this message")


def _finding(check: Check, seen: Seen) -> Finding:
    why = "" if seen.severity is Severity.OK else check.why
    return Finding(check.name, seen.severity, seen.found, why, seen.mend)
