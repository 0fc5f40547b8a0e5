"""The errors of the local API Gateway.

GatewayError                API Gateway itself answers, with a gateway response of this type
├── BadRequestBodyError     the body does not fit the method's model
├── UnsupportedMediaTypeError
├── ConfigurationError      a template or a mapping cannot be evaluated
├── IntegrationFailureError the service behind the API cannot be reached
└── IntegrationTimeoutError it did not answer in time
"""

from __future__ import annotations

from typing import ClassVar


class GatewayError(Exception):
    """Base of the errors in this module. `message` is API Gateway's, for the client; the rest is for the log."""

    response_type: ClassVar[str]
    message: ClassVar[str]


class BadRequestBodyError(GatewayError):
    """The body does not fit the method's model."""

    response_type = "BAD_REQUEST_BODY"
    message = "Invalid request body"


class UnsupportedMediaTypeError(GatewayError):
    """No request template is for the Content-Type."""

    response_type = "UNSUPPORTED_MEDIA_TYPE"
    message = "Unsupported Media Type"


class ConfigurationError(GatewayError):
    """A template or a mapping cannot be evaluated."""

    response_type = "API_CONFIGURATION_ERROR"
    message = "Internal server error"


class IntegrationFailureError(GatewayError):
    """The service behind the API cannot be reached."""

    response_type = "INTEGRATION_FAILURE"
    message = "Internal server error"


class IntegrationTimeoutError(GatewayError):
    """The service behind the API did not answer in time."""

    response_type = "INTEGRATION_TIMEOUT"
    message = "Endpoint request timed out"
