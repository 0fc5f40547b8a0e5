"""botocore's own paginators over clients that are made up."""

from __future__ import annotations

from typing import Any

from botocore.paginate import Paginator


def dynamodb_paginator(client: Any, operation: str) -> Paginator:
    """Of `query` or `scan`. Source: botocore's data/dynamodb/2012-08-10/paginators-1.json."""
    tokens = {"input_token": "ExclusiveStartKey", "output_token": "LastEvaluatedKey", "result_key": ["Items"]}
    return Paginator(getattr(client, operation), tokens, None)
