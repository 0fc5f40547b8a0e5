"""Builds the canary's account from settings, with the credentials of its function's role."""

from __future__ import annotations

from botocore.session import get_session

from lambdas.composition.settings import CanarySettings
from lambdas.smoke.account import TriedAccount
from lambdas.smoke.api import Api

PATIENCE_SECONDS = 60.0
"""How long a stored command may take: what the alarm on the processor's lag allows it (`commands_behind_seconds`)."""


def deployed_account(settings: CanarySettings, *, opening_key: str, run: str) -> TriedAccount:
    """The account behind the deployed API. Each run has credentials of its own: a role's end."""
    credentials = get_session().get_credentials()
    api = Api(settings.api_url, credentials=credentials, region=settings.aws_region, correlation_id=run)
    return TriedAccount(api, opening_key=opening_key, run=run, patience=PATIENCE_SECONDS)
