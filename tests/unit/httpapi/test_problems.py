"""Every error has its place in HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from lambdas.accounts import errors as domain
from lambdas.contracts import problems
from lambdas.eventsourcing import errors as store
from lambdas.httpapi import errors as http
from lambdas.httpapi.problems import problem_reply, problem_type
from lambdas.projections import errors as read_model
from lambdas.service.openings import OpeningKeyReusedError
from lambdas.transparency import errors as log

EXAMPLES: list[Exception] = [
    http.InvalidRequestError("field", "reason"),
    http.PathNotFoundError(),
    http.MethodNotAllowedError(["GET"]),
    http.UnknownCallerError(),
    http.PayloadTooLargeError(),
    http.UnsupportedMediaTypeError(),
    http.VersionNotReachedError(),
    http.WritesOffError(),
    domain.InvalidFieldError("field", "reason"),
    domain.AccountNotFoundError(),
    domain.NoTestCallerError(),
    *(error() for error in domain.REFUSALS),
    store.PreconditionFailedError("stream", 1),
    store.IdempotencyKeyReusedError("key"),
    OpeningKeyReusedError("key", "an account"),
    store.ContentionError(["stream"], 3),
    store.VersionNotFoundError("stream", 2, 1),
    store.ReadUnavailableError(),
    store.NotAppliedError(),
    store.OutcomeUnknownError(),
    read_model.NotBuiltError("account_summaries"),
    read_model.ReadModelUnavailableError(),
    log.NotInLogError(),
    log.LogUnavailableError(),
]
UNEXPECTED = [
    read_model.CorruptItemError("key", "reason"),
    read_model.GenerationGoneError(1),
    store.CommitTooLargeError(),
    store.InconsistentReadError("stream", 1),
    store.CorruptRowError("stream", 1, "reason"),
    store.UnknownSchemaError(),
    ValueError(),
]
INTERNAL = "a text that is nobody's business"
DETAILS: list[tuple[Exception, str | None]] = [
    (http.InvalidRequestError("limit", "is at most 100"), "limit: is at most 100"),
    (http.PathNotFoundError("nothing is served here"), "nothing is served here"),
    (http.MethodNotAllowedError(["GET", "POST"]), "the path supports GET, POST"),
    (http.UnknownCallerError("nobody"), "nobody"),
    (http.PayloadTooLargeError("too long"), "too long"),
    (http.UnsupportedMediaTypeError("not JSON"), "not JSON"),
    (http.VersionNotReachedError("not there yet"), "not there yet"),
    (http.WritesOffError(), "no commands are taken while the ledger is restored; reading goes on"),
    (domain.InvalidFieldError("currency", "is not active"), "currency: is not active"),
    (domain.AccountNotFoundError("never opened"), "never opened"),
    (domain.NoTestCallerError("AROAONE is none of them"), "AROAONE is none of them"),
    (domain.InsufficientFundsError("too little money"), "too little money"),
    (store.PreconditionFailedError("stream", 7), "the account is at version 7"),
    (store.VersionNotFoundError("stream", 9, 7), "the newest version of the account is 7"),
    (store.IdempotencyKeyReusedError("key"), None),
    (OpeningKeyReusedError("caller/key", "an account"), "the key has opened the account an account"),
    (store.ContentionError(["stream"], 3), None),
    (store.ReadUnavailableError(INTERNAL), None),
    (store.NotAppliedError(INTERNAL), None),
    (store.OutcomeUnknownError(INTERNAL), None),
    (read_model.NotBuiltError(INTERNAL), None),
    (read_model.ReadModelUnavailableError(INTERNAL), None),
    (log.NotInLogError(INTERNAL), None),
    (log.LogUnavailableError(INTERNAL), None),
    (read_model.CorruptItemError("key", INTERNAL), None),
    (store.CommitTooLargeError(INTERNAL), None),
    (store.InconsistentReadError("stream", 1), None),
    (store.CorruptRowError("stream", 1, INTERNAL), None),
    (store.UnknownSchemaError(INTERNAL), None),
    (ValueError(INTERNAL), None),
]
"""What the caller reads; None: no detail at all."""
OF_THE_GATEWAY = {
    problems.MALFORMED_REQUEST,
    problems.UNAUTHORIZED,
    problems.TOO_MANY_REQUESTS,
}


OF_THE_ASYNCHRONOUS_ROUTES = {problems.COMMAND_NOT_FOUND, *problems.OF_COMMANDS_ONLY}
"""The gateway's templates and the processing of commands name these themselves."""


def leaves(error: type[Exception]) -> Iterator[type[Exception]]:
    children = error.__subclasses__()
    if not children:
        yield error
    for child in children:
        yield from leaves(child)


def test_every_error_of_requests_and_domain_has_an_example_here() -> None:
    expected = {*leaves(http.RequestError), *leaves(domain.DomainError)}
    assert expected <= {type(error) for error in EXAMPLES}


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_expected_error_is_no_internal_error(error: Exception) -> None:
    kind = problem_type(error)
    assert kind is not problems.INTERNAL_ERROR
    if isinstance(error, domain.DomainError):
        assert (kind.code, kind.status < 500) == (error.code, True)


@pytest.mark.parametrize("error", UNEXPECTED, ids=lambda error: type(error).__name__)
def test_anything_else_is_an_internal_error(error: Exception) -> None:
    assert problem_type(error) is problems.INTERNAL_ERROR


@pytest.mark.parametrize(("error", "detail"), DETAILS, ids=[type(error).__name__ for error, _ in DETAILS])
def test_the_detail_is_written_for_the_caller(error: Exception, detail: str | None) -> None:
    problem = json.loads(problem_reply(error, "correlation").body)

    assert problem.get("detail") == detail


def test_every_problem_type_is_used() -> None:
    used = {problem_type(error) for error in [*EXAMPLES, *UNEXPECTED]} | OF_THE_GATEWAY | OF_THE_ASYNCHRONOUS_ROUTES
    assert used == set(problems.PROBLEM_TYPES)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in problems.PROBLEM_TYPES]
    assert len(set(codes)) == len(codes)


def test_what_can_be_tried_again_says_when() -> None:
    for kind in problems.PROBLEM_TYPES:
        assert (kind.retry_after is not None) == (kind.status in {429, 503})
