"""A method's request model: JSON Schema draft 4, as in API Gateway's validators."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

import jsonschema_rs

from local.gateway.errors import BadRequestBodyError


class BodyModels:
    """The models of a method's bodies by media type. Validates as the method's request validator does."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]]) -> None:
        self._validators = {media: jsonschema_rs.Draft4Validator(dict(schema)) for media, schema in schemas.items()}

    def check(self, media_type: str, body: bytes) -> None:
        """Raise BadRequestBodyError for a body that does not fit. A body of a type without a model passes."""
        validator = self._validators.get(media_type)
        if validator is None:
            return
        try:
            document = json.loads(body.decode("utf-8", errors="replace"), parse_constant=_no_constant)
            valid = validator.is_valid(document)
        except (ValueError, RecursionError) as error:  # not JSON, a lone surrogate, too deep
            raise BadRequestBodyError(str(error)) from error
        if not valid:
            raise BadRequestBodyError("the body does not fit the model")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
