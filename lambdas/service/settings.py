"""Settings of a function, from its environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class SettingsError(Exception):
    """An environment variable is missing or has no acceptable value. Raised when the function starts."""


class Settings(msgspec.Struct, frozen=True, rename="upper"):
    """What a function that works on accounts must be told. The names of the variables are in upper case."""

    event_table: Annotated[str, msgspec.Meta(min_length=3)]
    commands_table: Annotated[str, msgspec.Meta(min_length=3)]
    environment: Annotated[str, msgspec.Meta(min_length=1)]
    snapshot_interval: Annotated[int, msgspec.Meta(ge=1)]


def load(kind: type[T], environ: Mapping[str, str]) -> T:
    """Read settings of any kind. Raises SettingsError, which names the variable."""
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    missing = [name for name in names if name not in environ]
    if missing:
        raise SettingsError(f"environment variables are not set: {', '.join(missing)}")
    try:
        return msgspec.convert({name: environ[name] for name in names}, kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"an environment variable is not acceptable: {error}") from None


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The settings of a function that works on accounts. Raises SettingsError, which names the variable."""
    return load(Settings, environ)
