"""The account's quotas against what the environment needs. Quotas that nothing here comes near are not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Final

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, not_known, ok, problem, warning
from stacks.environment import Environment

UNRESERVED: Final = 100
"""Executions that Lambda keeps for all functions without a reservation. Source: AWS Lambda Developer Guide,
"Configuring reserved concurrency".
"""

USUAL_EXECUTIONS: Final = 1_000
"""The default of an account that is not new. Source: AWS Lambda Developer Guide, "Lambda quotas"."""

NEW_ACCOUNT_MB: Final = 3_008
"""The most memory of a function that a new account may set; no API tells an account's own bound. Source: AWS Lambda
Developer Guide, "Configure Lambda function memory": new accounts have reduced quotas.
"""

RAISE_EXECUTIONS: Final = (
    "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value {}"
)
"""The quota "Concurrent executions" of Lambda, which is raised on request."""

RESERVING: Final = {"publisher_reserved_concurrency": "Publisher", "processor_reserved_concurrency": "Commands"}
"""The stack that makes each reservation."""


def _reserved_by(config: Environment) -> int:
    return sum(number for name, number in asdict(config).items() if name.endswith("_reserved_concurrency"))


def _look_at_executions(account: Account) -> Iterator[Seen]:
    limits = account.ask("lambda", "get_account_settings")["AccountLimit"]
    allowed, unreserved = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    settings = asdict(account.config)
    missing = sum(settings[name] for name, stack in RESERVING.items() if not account.is_deployed(stack))
    found = f"{allowed:,} concurrent executions, {unreserved:,} of them unreserved"
    needed = _reserved_by(account.config)
    if missing and unreserved - missing < UNRESERVED:
        yield problem(
            f"{found}; {account.config.name} reserves {missing} more, and {UNRESERVED} must remain",
            RAISE_EXECUTIONS.format(max(USUAL_EXECUTIONS, allowed - unreserved + missing + UNRESERVED)),
        )
    elif allowed < needed + UNRESERVED:
        yield warning(f"{found}, as in an account that is new to Lambda", RAISE_EXECUTIONS.format(USUAL_EXECUTIONS))
    else:
        yield ok(f"{found}; {account.config.name} reserves {needed}")


def _look_at_alarm(account: Account) -> Iterator[Seen]:
    name, assumed = account.config.name, account.config.account_concurrency
    if not assumed:
        yield ok(f"{name} has none")
        return
    allowed = account.ask("lambda", "get_account_settings")["AccountLimit"]["ConcurrentExecutions"]
    if allowed == assumed:
        yield ok(f"goes off at four fifths of {assumed:,}, the account's quota")
        return
    fault = "it goes off too late, or never" if allowed < assumed else "it goes off too early"
    yield warning(
        f"the account's quota is {allowed:,}, and {name} takes it for {assumed:,}: {fault}",
        f"set `account_concurrency` of {name} to {allowed} in stacks/environment.py, or to what it is raised to",
    )


def _look_at_memory(account: Account) -> Iterator[Seen]:
    memory = account.config.function_memory_mb
    if memory <= NEW_ACCOUNT_MB:
        yield ok(f"functions take {memory:,} MB, and new accounts allow {NEW_ACCOUNT_MB:,}")
    else:
        yield not_known(f"functions take {memory:,} MB; new accounts allow {NEW_ACCOUNT_MB:,}, and no API tells")


def _look_at_streams(account: Account) -> Iterator[Seen]:
    limits = account.ask("kinesis", "describe_limits")
    there, allowed = limits["OnDemandStreamCount"], limits["OnDemandStreamCountLimit"]
    found = f"{there} of {allowed} on-demand streams are there"
    if there >= allowed and not account.is_deployed("DomainEvents"):
        yield problem(
            found,
            "delete a stream, or ask for more: https://console.aws.amazon.com/servicequotas (Kinesis Data Streams)",
        )
    else:
        yield ok(found)


EXECUTIONS = Check(
    "concurrent executions",
    "Lambda throttles requests above, and refuses a reservation that leaves less than 100 to other functions.",
    _look_at_executions,
)
ALARM = Check(
    "alarm on concurrency",
    "Its threshold is a number in the template; CloudWatch does not know the account's quota.",
    _look_at_alarm,
)
MEMORY = Check("memory of functions", "A function that asks for more than the account allows fails.", _look_at_memory)
STREAMS = Check("on-demand streams", "The stream of domain events is one of them.", _look_at_streams)
