"""Answers API Gateway's proxy events: routes, errors, correlation ids, one log line per request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lambdas.contracts import problems
from lambdas.httpapi.errors import MethodNotAllowedError, PathNotFoundError
from lambdas.httpapi.problems import problem_reply, problem_type
from lambdas.httpapi.replies import Reply
from lambdas.httpapi.requests import Request
from lambdas.httpapi.routing import NO_SLASH, allowed_methods
from lambdas.httpapi.telemetry import count, logger

Route = Callable[[Request], Reply]

_NO_STORE = "no-store"
NOT_FAILING = frozenset({problems.VERSION_NOT_REACHED, problems.READ_MODEL_NOT_BUILT})
"""503s of reading that no alarm counts: nothing has failed, and another version of the function changes nothing."""
READING = frozenset({"GET", "HEAD"})
"""Methods whose failures are counted here. Those of commands are counted where the command is carried out."""


class Application:
    """Answers every request with the reply of its route or with a problem. A bad request raises nothing.

    `routes` maps (method, path template) to the route. API Gateway has found the template already.
    """

    def __init__(self, routes: Mapping[tuple[str, str], Route]) -> None:
        self._routes = routes

    def __call__(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one proxy event."""
        request = Request(event)
        logger.set_correlation_id(request.correlation_id)
        count("Requests")
        try:
            reply = self._route(request)(request)
        except Exception as error:  # noqa: BLE001 - the client must get an answer, whatever went wrong
            reply = _failed(error, request)
        logger.info(
            "request answered",
            method=request.method,
            route=request.route or "unknown",
            status=reply.status,
            **request.noted,
        )
        return _response(reply, request)

    def _route(self, request: Request) -> Route:
        """Raises PathNotFoundError, MethodNotAllowedError."""
        if request.route is None:
            raise PathNotFoundError(NO_SLASH if request.path.rstrip("/") and request.path.endswith("/") else "")
        route = self._routes.get((request.method, request.route))
        if route is not None:
            return route
        if request.method not in allowed_methods(request.route):
            raise MethodNotAllowedError(allowed_methods(request.route))
        raise PathNotFoundError("the gateway answers this, and the function does not")


def _failed(error: Exception, request: Request) -> Reply:
    kind = problem_type(error)
    request.noted["problem"] = kind.code
    if kind is problems.INTERNAL_ERROR:
        count("InternalErrors")
        logger.exception("request failed unexpectedly", exc_info=error)
    elif kind.status >= problems.INTERNAL_ERROR.status:
        if request.method in READING and kind not in NOT_FAILING:
            count("ReadsUnavailable")
        logger.warning("request could not be served", problem=kind.code, reason=str(error))
    return problem_reply(error, request.correlation_id)


def _response(reply: Reply, request: Request) -> dict[str, Any]:
    """The answer in the form of API Gateway's proxy integration (payload format 1.0)."""
    headers = {"Cache-Control": _NO_STORE, "X-Correlation-Id": request.correlation_id, **reply.headers}
    if not request.settled:
        headers["Daybook-Settled"] = "false"
    return {
        "statusCode": reply.status,
        "body": "" if request.method == "HEAD" else reply.body,
        "isBase64Encoded": False,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
    }
