"""The synchronous accounts API: every route parses, makes one call and responds.

The routes are those of `lambdas.contracts.operations`. A command to the account in the path needs nothing here. What is
read from read models is in `lambdas.httpapi.read_models`, and proofs are in `lambdas.httpapi.proofs`.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.accounts import commands
from lambdas.accounts.commands import AccountCommand
from lambdas.accounts.errors import AccountNotFoundError
from lambdas.accounts.state import Account
from lambdas.composition.accounts import deployed_api
from lambdas.composition.clock import report_clock
from lambdas.composition.settings import ApiSettings, load
from lambdas.contracts.errors import ContractIncompleteError
from lambdas.contracts.operations import OPERATIONS, Operation
from lambdas.eventsourcing.clock_check import ClockCheck
from lambdas.eventsourcing.decider import Committed, Loaded, Replayed
from lambdas.eventsourcing.errors import PreconditionFailedError
from lambdas.httpapi.application import Application, Route
from lambdas.httpapi.conditional import entity_tag
from lambdas.httpapi.errors import InvalidRequestError, VersionNotReachedError
from lambdas.httpapi.idempotency import derived_account_id, idempotency_of
from lambdas.httpapi.paging import decode_cursor, page_limit
from lambdas.httpapi.proofs import ProofRoutes
from lambdas.httpapi.read_models import ReadModelRoutes
from lambdas.httpapi.reading_only import offered
from lambdas.httpapi.replies import Reply, recall
from lambdas.httpapi.requests import ACCOUNT_ID, Request, moment, positive_integer
from lambdas.httpapi.rows import read_before, rows_reply
from lambdas.httpapi.telemetry import count, counted_command, logger, metrics
from lambdas.httpapi.views import (
    account_reply,
    changed_account_reply,
    history_reply,
    new_account_reply,
    transfer_reply,
)
from lambdas.service.account_service import AccountService, CommandContext, Outcome
from lambdas.service.openings import OpenedBefore

FIRST_REFUSAL = 400
ACCOUNT_IN_PATH = f"{{{ACCOUNT_ID}}}"


def random_id() -> str:
    """A UUID from the system's random source: never the same in two functions restored from one snapshot."""
    return str(uuid.uuid4())


class AccountsApi:
    """The routes, over an AccountService, those of the read models, and those of the log.

    `expected` says whether an account that does not exist will do so soon.
    """

    def __init__(
        self,
        service: AccountService,
        read_models: ReadModelRoutes,
        proofs: ProofRoutes,
        *,
        expected: Callable[[str], bool],
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._service = service
        self._read_models = read_models
        self._proofs = proofs
        self._expected = expected
        self._new_id = new_id

    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The route of every operation of the contract, by (method, path template).

        Raises ContractIncompleteError for an operation that has no method here, unless it is a command to the account
        in its path.
        """
        of_their_own: Mapping[str, Route] = {
            "openAccount": self.open_account,
            "getAccount": self.get_account,
            "getHistory": self.get_history,
            "getRows": self.get_rows,
            "getProof": self._proofs.get_proof,
            "transfer": self.transfer,
            "listAccounts": self._read_models.list_accounts,
            "getTotals": self._read_models.get_totals,
        }
        return {
            (each.method, each.path): of_their_own.get(each.operation_id) or self.command_route(each)
            for each in OPERATIONS
        }

    def command_route(self, operation: Operation) -> Route:
        """The route of a command to the account in the path, as CreditAccount is. Raises ContractIncompleteError."""
        kind = operation.command
        if kind is None or issubclass(kind, commands.Transfer) or ACCOUNT_IN_PATH not in operation.path:
            where = "AccountsApi in lambdas/handlers/accounts_api.py"
            raise ContractIncompleteError(f"{operation.operation_id} has no route: add a method to {where}")
        may_be_empty = not operation.body_required

        def route(request: Request) -> Reply:
            account_id = request.account_id()
            return self._execute(request, request.command(kind, may_be_empty=may_be_empty), account_id)

        return route

    def open_account(self, request: Request) -> Reply:
        """OpenAccount. With an idempotency key, the account's id is derived from caller and key, which it proves."""
        request.refuse_if_match()
        command = request.command(commands.OpenAccount)
        key = request.idempotency_key
        account_id = self._new_id() if key is None else derived_account_id(request.caller, key)
        idempotency = idempotency_of(request, command, account_id, new_account_reply)
        if idempotency is None:
            return self._execute(request, command, account_id, new_account_reply)
        with counted_command():
            outcome = self._service.open_once(command, account_id, self._context(request), idempotency=idempotency)
        return _answer(request, outcome, new_account_reply)

    def transfer(self, request: Request) -> Reply:
        """Transfer: changes both accounts or none."""
        request.refuse_if_match()
        command = request.command(commands.Transfer)
        transfer_id = self._new_id()
        respond = transfer_reply(transfer_id)
        idempotency = idempotency_of(request, command, command.from_account_id, respond)
        with counted_command():
            outcome = self._service.transfer(command, transfer_id, self._context(request), idempotency=idempotency)
        return _answer(request, outcome, respond)

    def get_account(self, request: Request) -> Reply:
        """The account now or in the past; 304 when If-None-Match names its version."""
        account_id = request.account_id()
        wanted, held = request.entity_tags("If-Match"), request.entity_tags("If-None-Match")
        loaded = self._load(request, account_id, request.query("version", "at", "min_version"))
        versions = wanted.strong_versions() if wanted else None
        if versions is not None and loaded.version not in versions:
            raise PreconditionFailedError(account_id, loaded.version)
        if held is not None and held.weakly_match(loaded.version):
            return Reply(304, headers={"ETag": entity_tag(loaded.version)})
        return account_reply(loaded)

    def get_history(self, request: Request) -> Reply:
        """A page of events, newest first."""
        account_id = request.account_id()
        query = request.query("limit", "cursor")
        before = decode_cursor(query["cursor"]) if "cursor" in query else None
        return history_reply(self._service.history(account_id, before=before, limit=page_limit(query)))

    def get_rows(self, request: Request) -> Reply:
        """A page of rows as they are stored, newest first."""
        account_id = request.account_id()
        query = request.query("before", "limit")
        before = read_before(query["before"]) if "before" in query else None
        return rows_reply(self._service.rows(account_id, before=before, limit=page_limit(query)))

    def _load(self, request: Request, account_id: str, query: Mapping[str, str]) -> Loaded[Account]:
        if len(query) > 1:
            field = "min_version" if "min_version" in query else "at"
            raise InvalidRequestError(field, "must be left out beside another moment or version")
        if "version" in query:
            version = positive_integer("version", query["version"])
            return self._service.account_at_version(account_id, version)
        if "at" in query:
            return self._at(request, account_id, moment("at", query["at"]))
        if "min_version" in query:
            return self._load_at_least(account_id, positive_integer("min_version", query["min_version"]))
        return self._service.account(account_id)

    def _load_at_least(self, account_id: str, least: int) -> Loaded[Account]:
        """The account now. Raises VersionNotReachedError, also while a stored command is about to open it."""
        try:
            loaded = self._service.account(account_id)
        except AccountNotFoundError:
            if self._expected(account_id):
                raise VersionNotReachedError("the account is about to be opened") from None
            raise
        if loaded.version < least:
            raise VersionNotReachedError(f"the account is at version {loaded.version}")
        return loaded

    def _at(self, request: Request, account_id: str, at: datetime) -> Loaded[Account]:
        found = self._service.account_at(account_id, at)
        request.settled = found.settled
        if found.account.version == 0:
            raise AccountNotFoundError("the account did not exist at that time")
        return found.account

    def _execute(
        self,
        request: Request,
        command: AccountCommand,
        account_id: str,
        respond: Callable[[Committed[Account]], Reply] = changed_account_reply,
    ) -> Reply:
        wanted = request.entity_tags("If-Match")
        idempotency = idempotency_of(request, command, account_id, respond)
        with counted_command():
            outcome = self._service.execute(
                command,
                account_id,
                self._context(request),
                expected=wanted.strong_versions() if wanted else None,
                idempotency=idempotency,
            )
        return _answer(request, outcome, respond)

    def _context(self, request: Request) -> CommandContext:
        return CommandContext(self._new_id(), request.correlation_id, request.caller)


def _answer(request: Request, outcome: Outcome | OpenedBefore, respond: Callable[[Committed[Account]], Reply]) -> Reply:
    """The reply. The log line names the events that it tells of; a replay's were appended by an earlier request."""
    if isinstance(outcome, Replayed):
        count("CommandsReplayed")
        receipt = outcome.receipt
        reply = recall(receipt.response, request.correlation_id)
        request.noted["replayed"] = True
        if reply.status < FIRST_REFUSAL:
            request.noted["events"] = [f"{receipt.scope}/{receipt.version}"]
        return reply
    if isinstance(outcome, OpenedBefore):
        count("CommandsReplayed")
        request.noted.update(replayed=True, events=_events(outcome.committed))
        return respond(outcome.committed).replayed()
    count("CommandsAccepted")
    request.noted["events"] = _events(outcome)
    return respond(outcome)


def _events(committed: Committed[Account]) -> list[str]:
    """Their ids, as they are published: a command appends one event to each of its accounts."""
    return [f"{each.stream_id}/{each.version}" for each in committed.streams]


_settings = load(ApiSettings, os.environ)
_clock = ClockCheck()
_api = deployed_api(_settings, _clock)
_routes = AccountsApi(
    _api.service, ReadModelRoutes(*_api.read_models), ProofRoutes(_api.prover), expected=_api.openings.expected
).routes()
_application = Application(offered(_routes, _settings.writes))
metrics.set_default_dimensions(environment=_settings.environment)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda gives both
    """Answer one API Gateway proxy event (payload format 1.0)."""
    answer = _application(event)
    report_clock(_clock, logger, metrics)
    return answer
