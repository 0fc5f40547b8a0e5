"""What API Gateway keeps once for an account and region: the role that writes logs, and the throttle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, ok, problem, warning

LEAVE_IT: Final = "set `gateway_log_role` of {} to False in stacks/environment.py"
SET_IT: Final = "set `gateway_log_role` of {} to True in stacks/environment.py"


def _look_at_role(account: Account) -> Iterator[Seen]:
    environment = account.config.name
    role = account.ask("apigateway", "get_account").get("cloudwatchRoleArn", "")
    name = role.rpartition("/")[2]
    if name.startswith(f"Daybook-{environment}-"):
        yield ok(f"{name} writes the logs")
    elif role and account.config.gateway_log_role:
        yield warning(
            f"{name} writes the logs, and a deployment of {environment} replaces it", LEAVE_IT.format(environment)
        )
    elif role:
        yield ok(f"{name} writes the logs")
    elif not account.config.gateway_log_role:
        yield problem(f"no role writes the logs, and {environment} sets none", SET_IT.format(environment))
    elif account.is_deployed("Api"):
        yield problem("no role writes the logs", f"make deploy ENV={environment}")
    else:
        yield ok("no role yet; the deployment sets one")


def _look_at_throttle(account: Account) -> Iterator[Seen]:
    allowed = account.ask("apigateway", "get_account").get("throttleSettings", {})
    rate, burst = float(allowed.get("rateLimit", 0)), int(allowed.get("burstLimit", 0))
    wanted = account.config
    found = f"the account allows {rate:,.0f} requests a second (burst {burst:,})"
    needs = f"{wanted.name} allows {wanted.throttling_rate:,} (burst {wanted.throttling_burst:,})"
    if rate < wanted.throttling_rate or burst < wanted.throttling_burst:
        yield warning(
            f"{found}, and {needs}",
            "ask for more: https://console.aws.amazon.com/servicequotas (API Gateway, throttle)",
        )
    else:
        yield ok(f"{found}, {needs}")


LOGGING = Check(
    "role for the gateway's logs",
    "There is one for all APIs of an account and region; a stage that logs cannot be created without it.",
    _look_at_role,
)
THROTTLE = Check("throttle of the account", "Requests above the account's rate are answered 429.", _look_at_throttle)
