"""The validator of domain events that docs/consumers.md shows; a test holds every event's example against it."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator
from referencing import Registry, Resource


def event_validator(folder: Path) -> Draft202012Validator:
    schemas = [json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")]
    registry = Registry().with_resources((each["$id"], Resource.from_contents(each)) for each in schemas)
    published = registry.contents("urn:daybook:schema:published")
    return Draft202012Validator(published, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)
