"""Answers API Gateway's proxy events: routing, errors, correlation ids, one log line per request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from lambdas.contracts import problems
from lambdas.httpapi.errors import InvalidRequestError, MethodNotAllowedError, PathNotFoundError, RequestError
from lambdas.httpapi.problems import problem_reply, problem_type
from lambdas.httpapi.replies import Reply
from lambdas.httpapi.requests import ACCOUNT_ID, NO_ACCOUNT_ID, Request
from lambdas.httpapi.routing import GATEWAY_ROUTES, allowed_methods, match_path, path_parameters
from lambdas.httpapi.telemetry import count, logger

Route = Callable[[Request], Reply]

_NO_STORE = "no-store"


class Application:
    """Answers every request with the reply of its route or with a problem. A bad request raises nothing.

    `routes` maps (method, path template) to the route.
    """

    def __init__(self, routes: Mapping[tuple[str, str], Route]) -> None:
        self._resolver = APIGatewayRestResolver()
        self._resolver.exception_handler(Exception)(self._fail)
        for (method, template), route in routes.items():
            rule = template.replace("{", "<").replace("}", ">")
            self._resolver.route(rule, method)(self._endpoint(route))

    def __call__(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer one proxy event."""
        request = Request(event)
        logger.set_correlation_id(request.correlation_id)
        count("Requests")
        self._resolver.context["request"] = request
        response = self._resolver.resolve(event, context)
        logger.info(
            "request answered",
            method=request.method,
            route=match_path(request.path) or "unknown",
            status=response["statusCode"],
        )
        return response

    def _endpoint(self, route: Route) -> Callable[..., Response[str]]:
        def endpoint(**_: str) -> Response[str]:
            request = self._request()
            template = match_path(request.path)
            if template is None:  # the resolver also takes a trailing slash
                raise PathNotFoundError("nothing is served at this path")
            request.check_correlation_id()
            request.template, request.path_parameters = template, path_parameters(template, request.path)
            return _response(route(request), request)

        return endpoint

    def _fail(self, error: Exception) -> Response[str]:
        request = self._request()
        if isinstance(error, NotFoundError):
            error = _routing_error(request)
        kind = problem_type(error)
        if kind is problems.INTERNAL_ERROR:
            count("InternalErrors")
            logger.exception("request failed unexpectedly", exc_info=error)
        elif kind.status >= problems.INTERNAL_ERROR.status:
            logger.warning("request could not be served", problem=kind.code, reason=str(error))
        return _response(problem_reply(error, request.correlation_id), request)

    def _request(self) -> Request:
        request: Request = self._resolver.context["request"]
        return request


def _routing_error(request: Request) -> RequestError:
    """Why the resolver found no route. It also refuses path parameters with characters that it does not accept."""
    template = match_path(request.path)
    if template is None:
        return PathNotFoundError("nothing is served at this path")
    if request.method not in allowed_methods(template):
        return MethodNotAllowedError(allowed_methods(template))
    if template in GATEWAY_ROUTES:
        return PathNotFoundError("the gateway answers this, and the function does not")
    return InvalidRequestError(ACCOUNT_ID, NO_ACCOUNT_ID)


def _response(reply: Reply, request: Request) -> Response[str]:
    headers = {"Cache-Control": _NO_STORE, "X-Correlation-Id": request.correlation_id, **reply.headers}
    body = "" if request.method == "HEAD" else reply.body
    return Response(status_code=reply.status, body=body, headers=headers)
