"""Send one signed request to the accounts API and print its answer. Arguments: method, URL and, if any, a JSON body.

Credentials come from where every AWS program finds them; AWS_REGION names the region of the API.
"""

import os
import sys

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session


def call(method: str, url: str, body: str | None = None, *, key: str | None = None) -> requests.Response:
    """Send a request with a signature (Version 4) for `execute-api`; `key` makes it safe to repeat."""
    headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    credentials = Session().get_credentials().get_frozen_credentials()
    SigV4Auth(credentials, "execute-api", os.environ["AWS_REGION"]).add_auth(request)
    return requests.request(method, url, data=body, headers=dict(request.headers.items()), timeout=35)


def main(method: str, url: str, body: str | None = None) -> int:
    """Print the answer. The exit status is 0 for a success and 1 for a problem."""
    answer = call(method, url, body)
    print(answer.text)
    return 0 if answer.ok else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
