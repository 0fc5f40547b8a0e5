"""Sends an integration's call to DynamoDB: its own protocol, signed, without retries (as API Gateway does)."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.gateway.errors import IntegrationFailureError, IntegrationTimeoutError
from local.gateway.integration import Integration

_VERSION = "DynamoDB_20120810"


class DynamoDB:
    """DynamoDB at an endpoint URL; an `integration.Send`."""

    def __init__(self, endpoint: str, credentials: Credentials) -> None:
        self._endpoint = endpoint
        self._host = urlsplit(endpoint).netloc
        self._credentials = credentials

    def __call__(self, integration: Integration, payload: bytes) -> tuple[int, bytes]:
        """Status and body. Raises IntegrationFailureError, IntegrationTimeoutError."""
        headers = {"X-Amz-Target": f"{_VERSION}.{integration.action}", "Content-Type": "application/x-amz-json-1.0"}
        request = AWSRequest(method="POST", url=f"{self._endpoint}/", data=payload, headers=headers)
        SigV4Auth(self._credentials, "dynamodb", integration.region).add_auth(request)
        connection = http.client.HTTPConnection(self._host, timeout=integration.timeout)
        try:
            connection.request("POST", "/", body=payload, headers=dict(request.headers.items()))
            response = connection.getresponse()
            return response.status, response.read()
        except TimeoutError as error:
            raise IntegrationTimeoutError(str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            raise IntegrationFailureError(str(error)) from error
        finally:
            connection.close()
